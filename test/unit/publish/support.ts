import type { Content } from '../../../src/identity/published.ts';
import type { ObjectNames } from '../../../src/publish/manifests.ts';
import { bundleOf, decideOn, material, newLeaf, newRoot } from '../identity/support.ts';

/** The names with nothing configured, in the namespace `ambassador`. */
export const SEED_NAMES: ObjectNames = {
  ambassadorId: '',
  tlsContext: 'ambassador-consul',
  secret: 'ambassador-consul-connect',
  upstreamCaSecret: undefined,
  secretNamespace: 'ambassador',
  service: 'ambassador-consul-connector',
  serviceNamespace: 'ambassador',
  instance: 'ambassador',
  labels: {},
  annotations: {},
  statusPort: 8080,
};

/** The names with `_AMBASSADOR_ID=edge`. */
export const EDGE_NAMES: ObjectNames = {
  ...SEED_NAMES,
  ambassadorId: 'edge',
  secret: 'edge-consul-connect',
  service: 'edge-consul-connector',
  instance: 'edge',
};

export const RECORD = { at: '2030-01-15T12:00:00.000Z', reason: 'missing: no identity was published' };

/** The content of a first publication, below a root with this name. */
export async function newContent(name = 'Consul CA 7'): Promise<Content> {
  const root = await newRoot({ name });
  const candidate = material(await newLeaf(root));
  const { content } = decideOn({ candidate, bundle: bundleOf(root) });
  if (content === undefined) throw new Error('a content was expected');
  return content;
}
