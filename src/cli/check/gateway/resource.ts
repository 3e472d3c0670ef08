import { isRecord, within } from '../../../lib/record.ts';
import { DEFAULT_ID } from './side.ts';

/** An object of the cluster, reduced to the fields that are checked. */
export interface Resource {
  /** `namespace/name`. */
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Empty for anything else. */
export function decodeResource(item: unknown): Resource[] {
  if (!isRecord(item)) return [];
  const { name, namespace } = within(item, 'metadata');
  if (typeof name !== 'string' || typeof namespace !== 'string') return [];
  return [{ id: `${namespace}/${name}`, name, namespace, spec: within(item, 'spec') }];
}

/** Whether a resource of Ambassador is for that ID; one without an ID is for the default one. */
export function isFor(ambassadorId: string): (resource: Resource) => boolean {
  return ({ spec }) => [spec['ambassador_id'] ?? DEFAULT_ID].flat().includes(ambassadorId || DEFAULT_ID);
}
