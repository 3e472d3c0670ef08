import { nearestWord } from '../lib/spelling.ts';
import type { Environment } from './config.ts';
import { NAMES } from './variables.ts';

/** A variable that is set but has no effect, and the one that was probably meant. */
export interface UnknownVariable {
  readonly variable: string;
  readonly meant: string;
}

const MAX_DISTANCE = 5;

/**
 * Finds misspelt variables: `_CONSUL_HOTS`, or `AMBASSADOR_ID` without its underscore. Ignores those that Kubernetes injects for
 * a Service (`CONSUL_PORT=tcp://…`).
 */
export function findUnknownVariables(environment: Environment): readonly UnknownVariable[] {
  const known = NAMES;
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (value === undefined || value.trim() === '' || known.includes(variable)) return [];
    if (known.includes(`_${variable}`) && !/^(tcp|udp|sctp):\/\//.test(value))
      return [{ variable, meant: `_${variable}` }];
    if (!/^_(CONSUL|AMBASSADOR|HTTP|OUTPUT|LOG)_/.test(variable)) return [];
    const meant = nearestWord(variable, known, MAX_DISTANCE);
    return meant === undefined ? [] : [{ variable, meant }];
  });
}
