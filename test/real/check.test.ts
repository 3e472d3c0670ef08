import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { without } from '../contract/kubernetes/rules.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { addKind, crdName } from '../fixtures/servers/custom-kinds.ts';
import { type Rule, rulesOf, setRules } from './role.ts';
import { CA_SECRET, SECRET, SERVICE, useWorld } from './world.ts';

const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };

let shipped: readonly Rule[] = [];
const world = useWorld({}, async (world) => {
  shipped = await rulesOf(world);
});

test('with the shipped manifest every row passes, and nothing is written', async () => {
  const allPass = async () => (await world.check()).notPassed.length === 0;
  await eventually('every row passes', allPass);

  const tried = (await world.kubernetes.writes()).filter(({ user }) => user.includes(SERVICE));
  assert.deepEqual(tried, []);
});

test('a Secret that another program created is a WARN until the connector has adopted it', async (t) => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, type: 'kubernetes.io/tls' };
  const data = { 'tls.crt': 'eA==', 'tls.key': 'eA==' };
  await world.kubectl(['create', '--field-manager=another', '-f', '-'], JSON.stringify({ ...secret, data }));
  const before = await world.check();
  assert.match(before.notPassed.map(({ detail }) => detail).join(), /is also written by another/);
  const daemon = await world.startReady(t);
  await daemon.stop();

  assert.deepEqual((await world.check()).notPassed, []);
  await world.deletePublished();
});

test('each right taken from the Role is the first FAIL, and its rule, pasted into the Role, is enough', async () => {
  await world.kubectl(['apply', '-k', `${world.k8s}/overlays/verify-upstream`]);
  const verifying = await rulesOf(world);
  for (const [resource, name, verbs] of [
    ['secrets', SECRET, ['list', 'watch', 'create', 'patch']],
    ['secrets', CA_SECRET, ['list', 'watch', 'patch']],
    ['services', SERVICE, ['list', 'watch', 'create', 'patch']],
  ] as const)
    for (const verb of verbs) {
      const less = without(verifying, verb, resource, name);
      await setRules(world, less);

      const { firstFail } = await world.check(VERIFYING);

      assert.equal(firstFail?.check, `rbac-${verb}-${resource}-${name}`);
      await setRules(world, [...less, ruleIn(firstFail?.remedy)]);
      const { firstFail: still } = await world.check(VERIFYING);
      assert.equal(still, undefined, JSON.stringify(still));
    }
  await world.kubectl(['apply', '-f', world.manifest]);
});

test('with no Role at all, pasting one rule after the other completes the Role', async (t) => {
  const pasted: Rule[] = [];
  t.after(() => setRules(world, shipped));
  await setRules(world, pasted);
  for (let failed = await firstFail(); failed !== undefined; failed = await firstFail()) {
    assert.equal(failed.code, 'KUBERNETES_FORBIDDEN');
    pasted.push(ruleIn(failed.remedy));
    assert.ok(pasted.length <= 8, 'no more rules than rights');
    await setRules(world, pasted);
  }

  await world.startReady(t);
});

test('E3, E5: with the CRDs of Emissary 4, objects that the gateway ignores or mixes up are a WARN, if they may be read', async () => {
  const kinds = [
    'Mapping',
    'TLSContext',
    'ConsulResolver',
    'KubernetesServiceResolver',
    'KubernetesEndpointResolver',
  ].map((kind) => ({ group: 'getambassador.io', kind }));
  for (const each of kinds) await addKind(world.kubectl, { ...each, versions: ['v3alpha1'] });
  for (const [kind, name, spec] of [
    ['TLSContext', 'ambassador-consul', { secret: 'mine' }],
    ['Mapping', 'mesh', { prefix: '/a/', service: 'https://qotm', tls: 'ambassador-consul' }],
    ['Mapping', 'plain', { prefix: '/b/', service: 'https://qotm' }],
    ['Mapping', 'lost', { prefix: '/c/', service: 'a', tls: 'ambassador-consul', resolver: 'consul' }],
  ] as const)
    await world.create({ apiVersion: 'getambassador.io/v3alpha1', kind, metadata: { name }, spec });
  await world.kubectl(['create', 'deployment', 'emissary', '--image=emissary']);
  await world.kubectl(['set', 'env', 'deployment/emissary', 'AMBASSADOR_ID=edge']);

  const asAdministrator = await world.check({ KUBECONFIG: world.kubernetes.kubeconfigFile });
  const asConnector = await world.check();

  for (const [row, detail] of [
    ['gateway-tlscontexts', /ambassador\/ambassador-consul has the same name as ours/],
    ['gateway-mappings', /ambassador\/mesh and ambassador\/plain reach https:\/\/qotm/],
    ['gateway-resolvers', /ignores ambassador\/lost: its resolver consul does not exist/],
    ['gateway', /^ambassador\/emissary has the AMBASSADOR_ID edge, but the connector publishes for default$/],
  ] as const)
    assert.match(asAdministrator.row(row)?.detail ?? '', detail);
  assert.ok(!asConnector.rows.some(({ check }) => check.startsWith('gateway')));
  await world.kubectl(['delete', 'deployment', 'emissary']);
  for (const each of kinds) await world.kubectl(['delete', 'crd', crdName(each)]);
});

test('if no account may review its own rights, these rows are a WARN that names the ClusterRole to bind', async () => {
  await world.kubectl(['delete', 'clusterrolebinding', 'system:basic-user']);

  const report = await world.check();

  assert.equal(report.firstFail, undefined);
  const right = report.row(`rbac-list-secrets-${SECRET}`);
  assert.equal(right?.status, 'warn');
  assert.match(right?.remedy ?? '', /bind the ClusterRole system:basic-user/);
});

async function firstFail() {
  return (await world.check()).firstFail;
}

/** The rule that a remedy adds to the Role. */
function ruleIn(remedy = ''): Rule {
  const [, rule] = /^add to the Role in namespace ambassador: (\{.*\})(; or, |$)/.exec(remedy) ?? [];
  return parse(rule ?? assert.fail(remedy));
}
