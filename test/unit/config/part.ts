import { isRecord } from '../../../src/lib/record.ts';

/** What `found` has of the keys of `wanted`, at each level. */
export function partOf(found: unknown, wanted: unknown): unknown {
  if (!isRecord(found) || !isRecord(wanted)) return found;
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, partOf(found[key], wanted[key])]));
}
