import { ApiError, badRequest } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { copy, isObject, same, textOf } from './json.ts';

/** RFC 7396: null deletes, objects merge, everything else replaces. */
export function mergePatched(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) {
    return copy(patch);
  }
  const result = isObject(target) ? copy(target) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) {
      continue; // directives of kubectl's strategic merge, which is served as a merge: enough for metadata and data
    }
    if (value === null || value === undefined) {
      delete result[key];
    } else {
      result[key] = mergePatched(result[key], value);
    }
  }
  return result;
}

function unprocessable(why: string): ApiError {
  return new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${why}`,
  );
}

function steps(pointer: Json | undefined): string[] {
  const text = textOf(pointer);
  if (text === undefined || !text.startsWith('/')) {
    throw badRequest('a JSON patch operation needs a path');
  }
  return text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function lookUp(object: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, step) => {
    if (Array.isArray(at)) {
      return at[Number(step)];
    }
    return isObject(at) ? at[step] : undefined;
  }, object);
}

function change(object: JsonObject, path: readonly string[], op: string, value: Json | undefined): void {
  const holder = lookUp(object, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (op !== 'add' && lookUp(object, path) === undefined) {
    throw unprocessable(`${op} operation does not apply: doc is missing key: /${path.join('/')}`);
  }
  if (Array.isArray(holder)) {
    const index = key === '-' ? holder.length : Number(key);
    holder.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value ?? null]));
  } else if (isObject(holder)) {
    if (op === 'remove') {
      delete holder[key];
    } else {
      holder[key] = value ?? null;
    }
  } else {
    throw unprocessable(`${op} operation does not apply: doc is missing path: /${path.join('/')}`);
  }
}

/** RFC 6902, without `move` and `copy`, which no client of these objects sends. */
export function jsonPatched(target: JsonObject, patch: Json): JsonObject {
  if (!Array.isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  }
  const result = copy(target);
  for (const item of patch) {
    const operation = isObject(item) ? item : {};
    const op = textOf(operation['op']) ?? '';
    const path = steps(operation['path']);
    if (op === 'test') {
      if (!same(lookUp(result, path), operation['value'])) {
        throw unprocessable(`testing value /${path.join('/')} failed: test failed`);
      }
    } else if (['add', 'replace', 'remove'].includes(op)) {
      change(result, path, op, operation['value']);
    } else {
      throw badRequest(`Unexpected kind: ${op}`);
    }
  }
  return result;
}
