import { ApiError } from './errors.ts';
import type { FieldPath } from './fields.ts';
import { beneath, fieldsV1, leaves, merged, remove, shown } from './fields.ts';
import type { JsonObject } from './json.ts';
import { isObject, same } from './json.ts';
import type { ManagedFieldsEntry } from './objects.ts';

/** One writer and the fields it answers for. The same name is two managers when it both applies and updates. */
export interface Manager {
  name: string;
  operation: 'Apply' | 'Update';
  time: string;
  paths: ReadonlySet<FieldPath>;
}
export type Managers = ReadonlyMap<string, Manager>;

export interface Owned {
  object: JsonObject;
  managers: Managers;
}

export function seconds(date = new Date()): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Paths that `next` has and `live` has not, or with another value. */
function changed(live: JsonObject, next: JsonObject): Set<FieldPath> {
  const before = leaves(live);
  return new Set(
    [...leaves(next)].filter(([path, value]) => !same(before.get(path), value)).map(([path]) => path),
  );
}

function without(managers: Managers, paths: ReadonlySet<FieldPath>, except: string): Map<string, Manager> {
  const kept = new Map<string, Manager>();
  for (const [id, manager] of managers) {
    const rest = id === except ? [...manager.paths] : [...manager.paths].filter((path) => !paths.has(path));
    if (rest.length > 0) {
      kept.set(id, { ...manager, paths: new Set(rest) });
    }
  }
  return kept;
}

function named(manager: Manager): string {
  return manager.operation === 'Update'
    ? `"${manager.name}" using v1 at ${manager.time}`
    : `"${manager.name}"`;
}

/** The 409 of server-side apply, worded as in structured-merge-diff: one manager in line, several in a list. */
function applyConflict(found: readonly { manager: Manager; path: FieldPath }[]): ApiError {
  const [first] = found;
  const names = [...new Set(found.map((item) => named(item.manager)))].sort();
  const text =
    found.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: conflict with ${named(first.manager)}: ${shown(first.path)}`
      : `Apply failed with ${found.length} conflicts: ${names
          .map((name) => {
            const paths = found.filter((item) => named(item.manager) === name);
            return [`conflicts with ${name}:`, ...paths.map((item) => `- ${shown(item.path)}`)].join('\n');
          })
          .join('\n')}`;
  return new ApiError(409, 'Conflict', text, {
    causes: found.map(({ manager, path }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${named(manager)}`,
      field: shown(path),
    })),
  });
}

/**
 * Server-side apply: `applied` is all that this manager wants, so what it owned and no longer names goes, unless somebody
 * else owns it too.
 * @throws ApiError 409 when a field would get another value than its owner gave it, and `force` is not set
 */
export function applied(live: Owned | undefined, config: JsonObject, name: string, force: boolean): Owned {
  const id = `Apply:${name}`;
  const before = live?.object ?? {};
  const result = merged(before, config);
  if (!isObject(result)) {
    throw new TypeError('an applied configuration is an object');
  }
  const changes = changed(before, result);
  const others = [...(live?.managers ?? [])].filter(([key]) => key !== id).map(([, manager]) => manager);
  const conflicts = others.flatMap((manager) =>
    [...manager.paths].filter((path) => changes.has(path)).map((path) => ({ manager, path })),
  );
  if (conflicts.length > 0 && !force) {
    throw applyConflict(conflicts);
  }
  const managers = without(live?.managers ?? new Map(), changes, id);
  const wanted = new Set(leaves(config).keys());
  const still = [...managers].filter(([key]) => key !== id).flatMap(([, manager]) => [...manager.paths]);
  for (const path of managers.get(id)?.paths ?? []) {
    const needed = [...wanted, ...still].some((other) => other === path || beneath(other, path));
    if (!needed) {
      remove(result, path);
    }
  }
  managers.delete(id);
  if (wanted.size > 0) {
    managers.set(id, { name, operation: 'Apply', time: seconds(), paths: wanted });
  }
  return { object: result, managers };
}

/** Any other write: whoever changes a field owns it from then on, no questions asked. */
export function updated(live: Owned | undefined, next: JsonObject, name: string): Owned {
  const id = `Update:${name}`;
  const changes = changed(live?.object ?? {}, next);
  const present = leaves(next);
  const gone = new Set([...leaves(live?.object ?? {}).keys()].filter((path) => !present.has(path)));
  const managers = without(without(live?.managers ?? new Map(), changes, id), gone, '');
  if (changes.size > 0) {
    const paths = new Set([...(managers.get(id)?.paths ?? []), ...changes]);
    managers.set(id, { name, operation: 'Update', time: seconds(), paths });
  }
  return { object: next, managers };
}

export function sameOwners(left: Managers, right: Managers): boolean {
  return (
    left.size === right.size &&
    [...left].every(([id, manager]) => {
      const other = right.get(id);
      return (
        other?.paths.size === manager.paths.size && [...manager.paths].every((path) => other.paths.has(path))
      );
    })
  );
}

export function managedFields(managers: Managers, apiVersion: string): ManagedFieldsEntry[] {
  return [...managers.values()].map((manager) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion,
    time: manager.time,
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsV1(manager.paths),
  }));
}
