import type { PolicyRule } from '../fixtures/kubernetes/access.ts';
import { SERVICE, type World } from './world.ts';

export interface Rule extends PolicyRule {
  readonly apiGroups: readonly string[];
}

export async function rulesOf({ kubectl }: World): Promise<readonly Rule[]> {
  return JSON.parse(await kubectl(['get', 'role', SERVICE, '-o', 'json'])).rules;
}

/** Replaces the rules of the connector's Role. */
export async function setRules({ kubectl }: World, rules: readonly Rule[]): Promise<void> {
  await kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', JSON.stringify({ rules })]);
}
