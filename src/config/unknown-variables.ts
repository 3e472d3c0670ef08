import { nearestWord } from '../lib/spelling.ts';
import type { Environment } from './config.ts';
import { NAMES } from './variables.ts';

/** A variable that is set and has no effect, and the one that was probably meant. */
export interface UnknownVariable {
  readonly variable: string;
  readonly meant: string;
}

const FARTHEST = 5;

/**
 * Finds variables that look like ours and are not: `_CONSUL_HOTS`, or `AMBASSADOR_ID` without its underscore. Those
 * Kubernetes injects for a Service (`CONSUL_PORT=tcp://…`) are none of them.
 */
export function findUnknownVariables(environment: Environment): readonly UnknownVariable[] {
  const known = NAMES;
  return Object.entries(environment).flatMap(([variable, value]) => {
    if (value === undefined || value.trim() === '' || known.includes(variable)) return [];
    if (known.includes(`_${variable}`) && !/^(tcp|udp|sctp):\/\//.test(value))
      return [{ variable, meant: `_${variable}` }];
    if (!/^_(CONSUL|AMBASSADOR|HTTP|OUTPUT|LOG)_/.test(variable)) return [];
    const meant = nearestWord(variable, known, FARTHEST);
    return meant === undefined ? [] : [{ variable, meant }];
  });
}
