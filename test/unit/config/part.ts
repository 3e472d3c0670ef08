import { type Environment, readConfig } from '../../../src/config/config.ts';
import { ConfigurationError } from '../../../src/errors.ts';
import { isRecord } from '../../../src/lib/record.ts';

/** What `found` has of the keys of `wanted`, at each level. */
export function partOf(found: unknown, wanted: unknown): unknown {
  if (!isRecord(found) || !isRecord(wanted)) return found;
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, partOf(found[key], wanted[key])]));
}

/** The problems of a configuration; none if it is valid. */
export function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}
