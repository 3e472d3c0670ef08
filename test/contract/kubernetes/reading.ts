import assert from 'node:assert/strict';
import type { Answer } from './api.ts';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** What is in `value` under these keys, one below the other; undefined where there is none. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>((holder, key) => (isRecord(holder) ? holder[key] : undefined), value);
}

export function keysOf(value: unknown): string[] {
  return isRecord(value) ? Object.keys(value).sort() : [];
}

export function listOf(value: unknown): readonly unknown[] {
  assert.ok(Array.isArray(value), `a list, and not ${JSON.stringify(value)}`);
  return value;
}

export function versionOf(answer: Answer): string {
  const version = at(answer.body, 'metadata', 'resourceVersion');
  assert.ok(typeof version === 'string' && /^\d+$/.test(version), `a resourceVersion in ${answer.text}`);
  return version;
}

/** Who owns what, one `manager operation path` each: `.` is the map itself. */
export function ownersOf(object: unknown): string[] {
  const entries = listOf(at(object, 'metadata', 'managedFields') ?? []);
  return entries
    .flatMap((entry) =>
      pathsOf(at(entry, 'fieldsV1')).map(
        (path) => `${at(entry, 'manager')} ${at(entry, 'operation')} ${path}`,
      ),
    )
    .sort();
}

function pathsOf(fields: unknown): string[] {
  if (!isRecord(fields)) return [];
  return Object.entries(fields).flatMap(([step, inner]) => {
    const below = pathsOf(inner);
    return below.length === 0 ? [step] : below.map((path) => `${step} ${path}`);
  });
}

/** Checks that an answer is a Status of that code and reason, and returns its message. */
export function assertStatus(answer: Answer, code: number, reason: string): string {
  const { body } = answer;
  assert.deepEqual(
    { ...body, message: undefined, details: undefined, metadata: keysOf(body['metadata']) },
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: [],
      status: 'Failure',
      message: undefined,
      reason,
      details: undefined,
      code,
    },
    answer.text,
  );
  assert.equal(answer.code, code);
  return String(body['message']);
}

/** Name, kind and group in the details of a Status: what it is about. */
export function subjectOf({ body }: Answer): unknown {
  const { name, kind, group } = { name: undefined, kind: undefined, group: undefined, ...recordAt(body) };
  return { name, kind, group };
}

function recordAt(body: unknown): Record<string, unknown> {
  const details = at(body, 'details');
  return isRecord(details) ? details : {};
}
