import { CONSUL } from './consul.ts';
import { DECISIONS } from './decisions.ts';
import type { Mutant } from './mutant.ts';
import { PUBLISH } from './publish.ts';
import { VERIFICATION } from './verification.ts';

export const MUTANTS: readonly Mutant[] = [...DECISIONS, ...VERIFICATION, ...CONSUL, ...PUBLISH];
