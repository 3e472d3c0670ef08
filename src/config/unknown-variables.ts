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
    const [nearest] = known
      .map((meant) => ({ meant, far: distance(variable, meant) }))
      .sort((a, b) => a.far - b.far);
    return nearest !== undefined && nearest.far <= FARTHEST ? [{ variable, meant: nearest.meant }] : [];
  });
}

/** How many letters to add or drop; a change is both, since words are forgotten more often than mistaken. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 2);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
