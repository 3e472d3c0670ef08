import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Report } from '../e2e/support/report.ts';
import { addKind, crdName } from '../fixtures/servers/custom-kinds.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const CA_SECRET = `${SECRET}-ca`;

let shipped: readonly Rule[] = [];
const world = useWorld({}, async () => {
  shipped = await rules();
});

test('with the shipped manifest nothing fails, and nothing is written', async () => {
  // The API server takes a moment to enforce a new policy.
  await eventually('the policy is enforced', async () => (await check()).notPassed.length === 0, 30_000);
  const report = await check();

  assert.deepEqual(report.notPassed, []);
  const tried = (await world.kubernetes.writes()).filter(({ user }) => user.includes(SERVICE));
  assert.deepEqual(tried, []);
});

test('a Secret that another program created is WARNed of until the connector has adopted it, and no longer', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, type: 'kubernetes.io/tls' };
  const data = { 'tls.crt': 'eA==', 'tls.key': 'eA==' };
  await world.kubectl(['create', '--field-manager=another', '-f', '-'], JSON.stringify({ ...secret, data }));
  const before = await check();
  assert.match(before.notPassed.map(({ detail }) => detail).join(), /is written by another too/);
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
  } finally {
    await daemon.stop();
  }

  assert.deepEqual((await check()).notPassed, []);
  await world.kubectl(['delete', `secret/${SECRET}`, `service/${SERVICE}`]);
});

test('each right taken from the Role is the first FAIL, and its rule, pasted into the Role, is enough', async () => {
  await world.kubectl(['apply', '-k', `${world.k8s}/overlays/verify-upstream`]);
  const verifying = await rules();
  const rights = [
    ...['list', 'watch', 'create', 'patch'].map((verb) => ({ verb, resource: 'secrets', name: SECRET })),
    ...['list', 'watch', 'patch'].map((verb) => ({ verb, resource: 'secrets', name: CA_SECRET })),
    ...['list', 'watch', 'create', 'patch'].map((verb) => ({ verb, resource: 'services', name: SERVICE })),
  ];
  for (const { verb, resource, name } of rights) {
    const less = verifying.flatMap((rule) => without(rule, verb, resource, name));
    await setRules(less);

    const { firstFail } = await check({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });

    assert.equal(firstFail?.check, `rbac-${verb}-${resource}-${name}`);
    await setRules([...less, ruleIn(firstFail?.remedy ?? '')]);
    const { firstFail: still } = await check({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    assert.equal(still, undefined, JSON.stringify(still));
  }
  await world.kubectl(['apply', '-f', world.manifest]);
});

test('with no Role at all, pasting rule after rule leads to a Role that is enough', async () => {
  const pasted: Rule[] = [];
  await setRules(pasted);
  for (let { firstFail } = await check(); firstFail !== undefined; { firstFail } = await check()) {
    assert.equal(firstFail.code, 'KUBERNETES_FORBIDDEN');
    pasted.push(ruleIn(firstFail.remedy ?? ''));
    assert.ok(pasted.length <= 8, 'no more rules than rights');
    await setRules(pasted);
  }

  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
  } finally {
    await daemon.stop();
    await setRules(shipped);
  }
});

test('E3, E5: with the CRDs of Emissary 4 what the gateway leaves out or mixes up is a WARN, where it may be read', async () => {
  const kinds = [
    'Mapping',
    'TLSContext',
    'ConsulResolver',
    'KubernetesServiceResolver',
    'KubernetesEndpointResolver',
  ].map((kind) => ({ group: 'getambassador.io', kind }));
  for (const each of kinds) await addKind(world.kubectl, { ...each, versions: ['v3alpha1'] });
  const put = (kind: string, name: string, spec: object) =>
    world.kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'getambassador.io/v3alpha1', kind, metadata: { name }, spec }),
    );
  await put('TLSContext', 'ambassador-consul', { secret: 'mine' });
  await put('Mapping', 'mesh', { prefix: '/a/', service: 'https://qotm', tls: 'ambassador-consul' });
  await put('Mapping', 'plain', { prefix: '/b/', service: 'https://qotm' });
  await put('Mapping', 'lost', { prefix: '/c/', service: 'a', tls: 'ambassador-consul', resolver: 'consul' });
  await world.kubectl(['create', 'deployment', 'emissary', '--image=emissary']);
  await world.kubectl(['set', 'env', 'deployment/emissary', 'AMBASSADOR_ID=edge']);

  const asAdministrator = await check({ KUBECONFIG: world.kubernetes.kubeconfigFile });
  const asConnector = await check();

  assert.match(
    asAdministrator.row('gateway-tlscontexts')?.detail ?? '',
    /ambassador\/ambassador-consul is named as ours/,
  );
  assert.match(
    asAdministrator.row('gateway-mappings')?.detail ?? '',
    /ambassador\/mesh and ambassador\/plain reach https:\/\/qotm/,
  );
  assert.match(
    asAdministrator.row('gateway-resolvers')?.detail ?? '',
    /leaves ambassador\/lost out: its resolver consul does not exist/,
  );
  assert.match(
    asAdministrator.row('gateway')?.detail ?? '',
    /^ambassador\/emissary has the AMBASSADOR_ID edge, and this publishes for default$/,
  );
  assert.deepEqual(
    asConnector.rows.filter(({ check: name }) => name.startsWith('gateway')),
    [],
  );
  await world.kubectl(['delete', 'deployment', 'emissary']);
  for (const each of kinds) await world.kubectl(['delete', 'crd', crdName(each)]);
});

test('the API server accepts the example with an init container', async () => {
  const example = fileURLToPath(new URL('../../k8s/examples/init-check', import.meta.url));

  const accepted = await world.kubectl(['apply', '--dry-run=server', '-o', 'name', '-k', example]);

  assert.match(accepted, /^deployment\.apps\/ambassador-consul-connector$/m);
});

test('a cluster that lets nobody ask for his own rights makes these rows a WARN, with the ClusterRole to bind', async () => {
  await world.kubectl(['delete', 'clusterrolebinding', 'system:basic-user']);

  const report = await check();

  assert.equal(report.firstFail, undefined);
  const right = report.row(`rbac-list-secrets-${SECRET}`);
  assert.equal(right?.status, 'warn');
  assert.match(right?.remedy ?? '', /bind the ClusterRole system:basic-user/);
});

async function check(env: Readonly<Record<string, string>> = {}): Promise<Report> {
  return Report.of(startDaemon({ ...(await world.environment()), ...env }, ['check', '--json']));
}

async function rules(): Promise<readonly Rule[]> {
  return JSON.parse(await world.kubectl(['get', 'role', SERVICE, '-o', 'json'])).rules;
}

/** The rule that a remedy tells to add, as one pastes it. */
function ruleIn(remedy: string): Rule {
  const [, rule] = /^add to the Role in namespace ambassador: (\{.*\})(; or, |$)/.exec(remedy) ?? [];
  assert.ok(rule !== undefined, remedy);
  return parse(rule);
}

/** The rule split by resource and name, less one right. `create` goes for every name. */
function without(rule: Rule, verb: string, resource: string, name: string): Rule[] {
  const { apiGroups, resourceNames, verbs } = rule;
  return rule.resources.flatMap((each) =>
    (resourceNames ?? [undefined]).map((eachName) => {
      const affected = each === resource && (eachName === undefined || eachName === name);
      const names = eachName === undefined ? {} : { resourceNames: [eachName] };
      return { apiGroups, resources: [each], ...names, verbs: verbs.filter((v) => !affected || v !== verb) };
    }),
  );
}

async function setRules(rules: readonly Rule[]): Promise<void> {
  const patch = JSON.stringify({ rules: rules.filter(({ verbs }) => verbs.length > 0) });
  await world.kubectl(['patch', 'role', SERVICE, '--type=merge', '-p', patch]);
}
