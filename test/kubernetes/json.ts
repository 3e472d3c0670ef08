import { isDeepStrictEqual } from 'node:util';

/** What a request or an answer of the API can hold. A key whose value is `undefined` is left out on the wire. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isStringMap(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === 'string');
}

export function copy<T extends Json>(value: T): T {
  return structuredClone(value);
}

/** Order of keys does not count, order of list items does; a key that is `undefined` is a key that is not there. */
export function same(left: Json | undefined, right: Json | undefined): boolean {
  return isDeepStrictEqual(left, right);
}

export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The object under `key`, or an empty one: reading through several levels needs no check at each. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  const found = value[key];
  return isObject(found) ? found : {};
}

/** Null means "not there" in an applied configuration, so both forms must own, and compare, the same. */
export function withoutNulls(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .map(([key, item]) => [key, isObject(item) ? withoutNulls(item) : item]),
  );
}
