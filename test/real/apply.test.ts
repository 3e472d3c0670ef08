import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RealKubernetes, startRealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { k8sFor } from './manifests.ts';
import { mustKubectl, NAMESPACE } from './world.ts';

const CLIENT_SIDE = ['apply'];
const SERVER_SIDE = ['apply', '--server-side'];
/** Without those that require CRDs of others. */
const TARGETS = [
  ['-f', 'ambassador-consul-connector.yaml'],
  ['-k', 'overlays/edge'],
  ['-k', 'overlays/three-ambassadors'],
  ['-k', 'overlays/verify-upstream'],
  ['-k', 'overlays/no-create'],
  ['-k', 'overlays/openshift'],
  ['-k', 'overlays/emissary'],
  ['-k', 'examples/init-check'],
  ['-k', 'examples/consul-k8s'],
  ['-k', 'examples/token-in-a-secret'],
  ['-k', 'examples/guide/connector'],
  ['-f', 'examples/guide/qotm.yaml'],
] as const;

let kubernetes: RealKubernetes;
let k8s: string;
const kubectl = (...args: readonly string[]) => mustKubectl(kubernetes, args);
before(async () => {
  kubernetes = await startRealKubernetes();
  for (const namespace of [NAMESPACE, 'emissary']) await kubectl('create', 'namespace', namespace);
  k8s = await k8sFor((args) => kubectl(...args));
});
after(() => kubernetes?.stop());

for (const [flag, path] of TARGETS)
  for (const [first, second] of [
    [CLIENT_SIDE, SERVER_SIDE],
    [SERVER_SIDE, CLIENT_SIDE],
  ] as const)
    test(`T6: kubectl ${first.join(' ')} and then ${second.join(' ')} of ${path} do not conflict, and make no difference`, async () => {
      const target = [flag, `${k8s}/${path}`];
      await kubectl(...first, ...target);
      await kubectl(...second, ...target);

      assert.equal(await kubectl('diff', ...target), '');
      await kubectl('delete', ...target);
    });
