import type { Bed } from '../../e2e/support/bed.ts';
import { withJson } from '../../fixtures/consul/answer.ts';
import type { LeafJson } from '../../fixtures/consul/wire.ts';

/** Makes Consul answer with leaves whose key is unusable. */
export async function breakKey({ consul }: Bed): Promise<void> {
  consul.script('leaf', async (_request, truth) =>
    withJson<LeafJson>(await truth.now(), (body) => ({ ...body, PrivateKeyPEM: 'none' })),
  );
  await consul.renewLeaf('ambassador');
}
