import type { IssuedLeaf, LeafOptions } from '../../fixtures/certificates/factory.ts';
import { withJson } from '../../fixtures/consul/answer.ts';
import type { Script } from '../../fixtures/consul/script.ts';
import type { LeafJson, RootsJson } from '../../fixtures/consul/wire.ts';
import type { Bed } from './bed.ts';

/** Consul's roots, changed; with the index and the blocking of the original. */
export function roots(change: (body: RootsJson) => unknown): Script {
  return async (_request, truth) => withJson<RootsJson>(await truth.blocked(), change);
}

/** Another leaf in place of Consul's. */
export function leaf({ keyPem }: Pick<IssuedLeaf, 'keyPem'>, chainPem: string): Script {
  return async (_request, truth) =>
    withJson<LeafJson>(await truth.blocked(), (body) => ({
      ...body,
      CertPEM: chainPem,
      PrivateKeyPEM: keyPem,
    }));
}

/** A leaf of the active root, which is not the one Consul has. */
export function issue(bed: Bed, options: Partial<LeafOptions> = {}): Promise<IssuedLeaf> {
  return bed.consul.activeRoot.authority.issueLeaf({ service: 'ambassador', emptyDn: true, ...options });
}
