import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Account, ApiServer, Refusal } from '../../contract/kubernetes/api.ts';
import { kubernetesContract } from '../../contract/kubernetes.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import { type RealKubernetes, startRealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { addQuota, addWebhook, refusesSecrets } from '../refusals.ts';
import { mustKubectl, NAMESPACE } from '../world.ts';

let kubernetes: RealKubernetes | undefined;
let server: ApiServer | undefined;
const ends: (() => unknown)[] = [];

before(async () => {
  const cluster = await startRealKubernetes();
  kubernetes = cluster;
  await mustKubectl(cluster, ['create', 'namespace', NAMESPACE]);
  const { url, caPem, adminToken, expiredVersion } = cluster;
  server = {
    url,
    caPem,
    adminToken,
    namespace: NAMESPACE,
    expiredVersion: async () => expiredVersion,
    account: (name, rules) => addAccount(cluster, name, rules),
    refusing: (how) => addRefusingNamespace(cluster, how),
  };
});
after(async () => {
  for (const end of ends) end();
  await kubernetes?.stop();
});

kubernetesContract(() => {
  assert.ok(server !== undefined, 'the API server has started');
  return server;
});

async function addAccount(
  cluster: RealKubernetes,
  name: string,
  rules: readonly PolicyRule[],
): Promise<Account> {
  const kubectl = (...args: readonly string[]) => mustKubectl(cluster, ['-n', NAMESPACE, ...args]);
  const user = `system:serviceaccount:${NAMESPACE}:${name}`;
  await kubectl('create', 'serviceaccount', name);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { namespace: NAMESPACE, name },
    rules: rules.map((rule) => ({ ...rule, apiGroups: [''] })),
  };
  await mustKubectl(cluster, ['create', '-f', '-'], JSON.stringify(role));
  await kubectl('create', 'rolebinding', name, `--role=${name}`, `--serviceaccount=${NAMESPACE}:${name}`);
  const [{ resources, resourceNames, verbs } = { resources: [], verbs: [] }] = rules;
  const [verb, resource] = [verbs[0], [resources[0], ...(resourceNames ?? []).slice(0, 1)].join('/')];
  // The authorizer sees a Role a moment after it was created.
  if (verb !== undefined)
    await eventually(`the rules of ${user} are in force`, async () => {
      const canI = ['-n', NAMESPACE, 'auth', 'can-i', verb, resource, `--as=${user}`];
      return (await cluster.kubectl(canI)).code === 0;
    });
  return { user, token: await cluster.tokenFor(NAMESPACE, name) };
}

async function addRefusingNamespace(cluster: RealKubernetes, how: Refusal): Promise<string> {
  const name = `refusing-${how}`;
  await mustKubectl(cluster, ['create', 'namespace', name]);
  await mustKubectl(cluster, ['label', 'namespace', name, `refusing=${how}`]);
  if (how === 'quota') await addQuota(cluster, name);
  else if (how === 'webhook') {
    const webhook = await addWebhook(cluster, { matchLabels: { refusing: how } });
    ends.push(() => webhook.close());
  }
  // It stays: there is no namespace controller.
  else await mustKubectl(cluster, ['delete', '--wait=false', 'namespace', name]);
  await refusesSecrets(cluster, name);
  return name;
}
