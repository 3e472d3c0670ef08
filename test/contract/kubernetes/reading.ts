import assert from 'node:assert/strict';
import type { Answer } from './api.ts';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The value at this path of keys; undefined if there is none. */
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

/** The owned fields, each as `manager operation path`; `.` is the map itself. */
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

/**
 * Checks that an answer is a Status of that code and reason, and returns its message.
 *
 * @param topic the object of the core group that it must be about
 */
export function assertStatus(
  answer: Answer,
  code: number,
  reason: string,
  topic?: { readonly name: string; readonly kind: string },
): string {
  const { message, details, metadata, ...rest } = answer.body;
  assert.deepEqual(rest, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code }, answer.text);
  assert.deepEqual([answer.code, keysOf(metadata)], [code, []]);
  if (topic !== undefined) {
    const { name, kind, group } = Object(details);
    assert.deepEqual({ name, kind, group }, { ...topic, group: undefined });
  }
  return String(message);
}
