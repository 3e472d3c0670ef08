import type { Json, JsonObject } from './json.ts';
import { copy, isObject, textOf } from './json.ts';

/**
 * A path in the form of managedFields (`f:name`, `k:{"port":80,…}`), its steps joined by a character no key can hold.
 * Granular, so that two managers can own one key each of `data`, `labels` and `annotations`; atomic where the schema says
 * so (`spec.selector`, plain lists).
 */
export type FieldPath = string;
const JOIN = '\u0000';
const ATOMIC_MAPS = new Set(['f:spec\u0000f:selector']);
const KEYED_LISTS = new Set(['f:spec\u0000f:ports']);
/** Of the metadata only these can be owned; the rest is identity, or the server's. */
const OWNED_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'];
const UNOWNED = new Set(['apiVersion', 'kind', 'status', 'metadata']);

function child(path: FieldPath, step: string): FieldPath {
  return path === '' ? step : `${path}${JOIN}${step}`;
}

function itemStep(item: Json): string {
  const port = isObject(item) ? item['port'] : undefined;
  const protocol = isObject(item) ? (item['protocol'] ?? 'TCP') : undefined;
  return `k:${JSON.stringify({ port, protocol })}`;
}

function collect(value: Json, path: FieldPath, found: Map<FieldPath, Json>): void {
  if (Array.isArray(value) && KEYED_LISTS.has(path)) {
    for (const item of value) {
      const itemPath = child(path, itemStep(item));
      found.set(itemPath, true); // that the item exists is owned as well as what it holds
      collect(item, itemPath, found);
    }
  } else if (isObject(value) && !ATOMIC_MAPS.has(path) && Object.keys(value).length > 0) {
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) {
        collect(item, child(path, `f:${key}`), found);
      }
    }
  } else {
    found.set(path, value);
  }
}

/** Every leaf of an object that somebody can own, with its value. */
export function leaves(object: JsonObject): Map<FieldPath, Json> {
  const found = new Map<FieldPath, Json>();
  const { metadata } = object;
  for (const [key, value] of Object.entries(object)) {
    if (!UNOWNED.has(key) && value !== undefined) {
      collect(value, `f:${key}`, found);
    }
  }
  for (const key of OWNED_METADATA) {
    const value = isObject(metadata) ? metadata[key] : undefined;
    if (value !== undefined) {
      collect(value, child('f:metadata', `f:${key}`), found);
    }
  }
  return found;
}

/** `live` with everything that `applied` says; what `applied` does not mention stays. */
export function merged(live: Json | undefined, applied: Json, path: FieldPath = ''): Json {
  if (Array.isArray(applied) && Array.isArray(live) && KEYED_LISTS.has(path)) {
    const rest = new Map(applied.map((item) => [itemStep(item), item]));
    const kept = live.map((item) => {
      const step = itemStep(item);
      const change = rest.get(step);
      rest.delete(step);
      return change === undefined ? copy(item) : merged(item, change, child(path, step));
    });
    return [...kept, ...copy([...rest.values()])];
  }
  if (isObject(applied) && isObject(live) && !ATOMIC_MAPS.has(path)) {
    const result = copy(live);
    for (const [key, value] of Object.entries(applied)) {
      if (value !== undefined) {
        result[key] = merged(live[key], value, child(path, `f:${key}`));
      }
    }
    return result;
  }
  return copy(applied);
}

/** Takes the field at `path` out of `object`, and the maps that are empty without it, as `omitempty` does. */
export function remove(object: JsonObject, path: FieldPath): void {
  const steps = path.split(JOIN);
  const parents: { holder: JsonObject; key: string }[] = [];
  let at: Json | undefined = object;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    if (Array.isArray(at)) {
      const position: number = at.findIndex((item) => itemStep(item) === step);
      if (position < 0) {
        return;
      }
      if (last) {
        at.splice(position, 1);
        return;
      }
      at = at[position];
    } else if (isObject(at)) {
      const key = step.slice(2);
      if (last) {
        delete at[key];
      } else {
        parents.push({ holder: at, key });
        at = at[key];
      }
    } else {
      return;
    }
  }
  for (const { holder, key } of parents.reverse()) {
    const value = holder[key];
    if (isObject(value) && Object.keys(value).length === 0 && key !== 'metadata' && key !== 'spec') {
      delete holder[key];
    }
  }
}

/** The nested form in which managedFields shows a set of paths. */
export function fieldsV1(paths: Iterable<FieldPath>): JsonObject {
  const root: JsonObject = {};
  for (const path of [...paths].sort()) {
    let at = root;
    for (const step of path.split(JOIN)) {
      const next = at[step];
      const inner = isObject(next) ? next : {};
      at[step] = inner;
      at = inner;
    }
    if (path.includes('k:{') && path.split(JOIN).at(-1)?.startsWith('k:') === true) {
      at['.'] = {};
    }
  }
  return root;
}

/** `.data.tls.crt`, `.spec.ports[port=80,protocol="TCP"].name`: how a conflict names a field. */
export function shown(path: FieldPath): string {
  return path
    .split(JOIN)
    .map((step) => {
      if (step.startsWith('f:')) {
        return `.${step.slice(2)}`;
      }
      const key: unknown = JSON.parse(step.slice(2));
      const pairs = isObject(key) ? Object.entries(key) : [];
      return `[${pairs.map(([name, value]) => `${name}=${textOf(value) === undefined ? value : `"${value}"`}`).join(',')}]`;
    })
    .join('');
}

/** True when `path` lies beneath `ancestor`. */
export function beneath(path: FieldPath, ancestor: FieldPath): boolean {
  return path.startsWith(`${ancestor}${JOIN}`);
}
