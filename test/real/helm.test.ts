import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Report } from '../e2e/support/report.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { type Helm, makeHelm } from '../fixtures/servers/helm.ts';
import { type RealConsul, startRealConsul } from '../fixtures/servers/real-consul.ts';
import { type RealKubernetes, startRealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { startAll } from '../fixtures/servers/start-all.ts';
import { CHART } from './helm/chart.ts';
import { EVERY_VALUE } from './helm/every-value.ts';
import { hasPolicies } from './manifests.ts';
import { containerOf, environmentOf, type KubernetesObject, type PodSpec, podSpecOf } from './pod-spec.ts';

/** Neither the namespace of the plain manifest nor its name. */
const NAMESPACE = 'gateways';
const RELEASE = 'mesh';
const NAME = `${RELEASE}-ambassador-consul-connector`;
const PUBLISHED = ['secret/ambassador-consul-connect', 'service/ambassador-consul-connector'];
const CONNECTORS = [
  { id: '', name: NAME, prefix: 'ambassador', service: 'ambassador' },
  { id: 'edge', name: `${NAME}-edge`, prefix: 'edge', service: 'ambassador-edge' },
  { id: 'internal', name: `${NAME}-internal`, prefix: 'internal', service: 'ambassador-internal' },
] as const;
/** The API server enforces a new policy after a moment. */
const ENFORCED_WITHIN_MS = 30_000;

let consul: RealConsul;
let kubernetes: RealKubernetes;
let helm: Helm;
/** Whether the API server serves ValidatingAdmissionPolicy. Before Kubernetes 1.30 the chart does without. */
let hasPolicy: boolean;
before(async () => {
  [consul, kubernetes] = await startAll(startRealConsul(), startRealKubernetes());
  helm = makeHelm(temporary(), kubernetes.kubeconfigFile);
  hasPolicy = await hasPolicies((args) => kubectl(...args));
});
after(async () => {
  await Promise.all([consul?.stop(), kubernetes?.stop()]);
});

test('helm install gives the connector what it needs to publish, and says what to do next', async () => {
  const notes = await run('install', [RELEASE, CHART, '--create-namespace'], {});

  assert.match(notes, new RegExp(`^ {2}kubectl -n ${NAMESPACE} rollout status deployment/${NAME}$`, 'm'));
  assert.match(notes, new RegExp(`^ {2}helm -n ${NAMESPACE} test ${RELEASE} --logs$`, 'm'));
  assert.equal(/WARNING/.test(notes), !hasPolicy, notes);
  await publish(NAME);
  assert.match(await show('secret/ambassador-consul-connect'), /\/svc\/ambassador"/);
});

test('helm test runs check, to which nothing is missing', async () => {
  // No kubelet runs the Pod, so Helm gives up; what it created is run here.
  const { code, stderr } = await helm(['test', RELEASE, `--namespace=${NAMESPACE}`, '--timeout=2s']);
  assert.equal(code, 1);
  assert.match(stderr, /timed out/);
  const pod: { spec: PodSpec } = JSON.parse(await kubectl('get', 'pod', `${NAME}-check`, '-o', 'json'));

  await eventually(
    'check passes',
    async () => {
      const { rows, notPassed } = await Report.of(await start(pod.spec, '--json'));
      assert.ok(rows.length > 20);
      return notPassed.every(({ check }) => check === 'creation' && !hasPolicy);
    },
    ENFORCED_WITHIN_MS,
  );
});

test('helm upgrade, rollback and uninstall leave the published Secret and Service byte for byte', async () => {
  const before = await Promise.all(PUBLISHED.map(show));
  const same = async (command: string) =>
    assert.deepEqual(await Promise.all(PUBLISHED.map(show)), before, command);

  await run('upgrade', [RELEASE, CHART], { replicas: 2, verifyUpstream: true });
  assert.equal(await jsonPath(`deployment/${NAME}`, '{.spec.replicas}'), '2');
  assert.match(await jsonPath(`role/${NAME}`, '{.rules[0].resourceNames}'), /ambassador-consul-connect-ca/);
  assert.equal(await countPolicies(), hasPolicy ? 2 : 0);
  await same('upgrade');

  await run('rollback', [RELEASE, '1']);
  assert.equal(await jsonPath(`deployment/${NAME}`, '{.spec.replicas}'), '1');
  assert.doesNotMatch(await jsonPath(`role/${NAME}`, '{.rules[0].resourceNames}'), /-ca/);
  await same('rollback');

  await run('upgrade', [RELEASE, CHART, '--force'], {});
  await same('upgrade --force');

  await run('uninstall', [RELEASE]);
  assert.equal(await kubectl('get', 'deployments,roles,rolebindings,serviceaccounts', '-o', 'name'), '');
  assert.equal(await countPolicies(), 0);
  await same('uninstall');
});

test('installed again, the connector keeps what is published', async () => {
  const before = await Promise.all(PUBLISHED.map(show));

  await run('install', [RELEASE, CHART], {});
  await publish(NAME);

  assert.deepEqual(await Promise.all(PUBLISHED.map(show)), before);
});

test('helm upgrade replaces the agent on the node by an address, and the address by the agent', async () => {
  const hostOf = () =>
    jsonPath(`deployment/${NAME}`, '{.spec.template.spec.containers[0].env[?(@.name=="_CONSUL_HOST")]}');

  await run('upgrade', [RELEASE, CHART], { consul: {} });
  assert.match(await hostOf(), /status\.hostIP/);

  await run('upgrade', [RELEASE, CHART], {});
  assert.deepEqual(JSON.parse(await hostOf()), { name: '_CONSUL_HOST', value: consul.address.host });
});

test('with verifyUpstream the connector may publish the roots too', async () => {
  await run('upgrade', [RELEASE, CHART], { verifyUpstream: true });
  const daemon = await start(await installed(NAME));
  try {
    await eventually(
      'the Secret of the roots',
      () => exists('secret/ambassador-consul-connect-ca'),
      ENFORCED_WITHIN_MS,
    );
    await daemon.ready();
  } finally {
    await daemon.stop();
  }

  assert.match(await show('service/ambassador-consul-connector'), /ca_secret: ambassador-consul-connect-ca/);
});

test('an annotation of the values is published and goes with its value; the policy lets no other through', async () => {
  const annotation = 'example.com/to';
  const value = `a, 'b' "c" <d> $(e)`;
  const annotations = async () =>
    Promise.all(PUBLISHED.map((each) => jsonPath(each, '{.metadata.annotations}')));
  const publishUntil = async (what: string, isSo: (found: readonly string[]) => boolean) => {
    const daemon = await start(await installed(NAME));
    try {
      await eventually(what, async () => isSo(await annotations()), ENFORCED_WITHIN_MS);
    } finally {
      await daemon.stop();
    }
  };

  await run('upgrade', [RELEASE, CHART], { publishedAnnotations: { [annotation]: value } });
  await publishUntil('the annotation on both', (found) =>
    found.every((each) => JSON.parse(each)[annotation] === value),
  );
  if (hasPolicy) {
    const patch = JSON.stringify({ metadata: { annotations: { 'example.com/other': value } } });
    await refused(NAME, ['patch', 'secret', 'ambassador-consul-connect', '--type=merge', `--patch=${patch}`]);
  }

  await run('upgrade', [RELEASE, CHART], {});
  await publishUntil('it is gone from both', (found) => found.every((each) => !each.includes(annotation)));
});

test('without a Service to publish the connector needs no right to Services', async () => {
  await kubectl('delete', ...PUBLISHED);
  await run('upgrade', [RELEASE, CHART], { publishService: false });
  await publish(NAME);

  assert.equal(await exists('service/ambassador-consul-connector'), false);
  assert.doesNotMatch(await jsonPath(`role/${NAME}`, '{.rules}'), /services/);
});

test('three Ambassadors in one release: each connector publishes its own, and may not touch what another publishes', async () => {
  const ambassadors = CONNECTORS.map(({ id }) => ({ id }));
  await run('upgrade', [RELEASE, CHART], { ambassadors });
  for (const { name } of CONNECTORS) await publish(name);
  if (hasPolicy) await enforced(CONNECTORS.map(({ name }) => name));

  for (const { name, prefix, service } of CONNECTORS) {
    assert.match(await show(`secret/${prefix}-consul-connect`), new RegExp(`/svc/${service}"`));
    assert.match(
      await show(`service/${prefix}-consul-connector`),
      new RegExp(`secret: ${prefix}-consul-connect\\\\n`),
    );
    for (const other of CONNECTORS.filter((each) => each.name !== name)) {
      for (const [kind, object] of [
        ['secrets', `${other.prefix}-consul-connect`],
        ['services', `${other.prefix}-consul-connector`],
      ] as const) {
        await refused(name, [
          'patch',
          kind,
          object,
          '--type=merge',
          '--patch={"metadata":{"labels":{"x":"y"}}}',
        ]);
        await refused(name, ['get', kind, `--field-selector=metadata.name=${object}`]);
        await refused(name, ['delete', kind, object]);
        if (!hasPolicy) continue;
        const type =
          kind === 'secrets' ? ['secret', 'generic'] : ['service', 'externalname', '--external-name=x.y'];
        await refused(name, ['create', ...type, object, '--dry-run=server']);
      }
    }
  }
});

test('the API server knows each field of a release that sets every value', async () => {
  const name = 'whole';
  const { code, stdout, stderr } = await helm(
    ['template', name, CHART, '--validate', `--namespace=${NAMESPACE}`],
    EVERY_VALUE,
  );
  assert.equal(code, 0, stderr);

  const applied = await kubernetes.kubectl(
    ['apply', '--dry-run=server', '--validate=strict', '-f', '-'],
    stdout,
  );

  assert.equal(applied.code, 0, applied.stderr);
  for (const kind of [
    'deployment.apps',
    'networkpolicy.networking.k8s.io',
    'poddisruptionbudget.policy',
    'pod',
  ])
    assert.match(applied.stdout, new RegExp(`^${kind}/${name}-\\S+ created \\(server dry run\\)$`, 'm'));
});

test('a release without the admission policy says what that gives up', async () => {
  const notes = await run('upgrade', [RELEASE, CHART], { admissionPolicy: false });

  assert.match(notes, /^WARNING: there is no ValidatingAdmissionPolicy/m);
});

/** Helm in the namespace; where it takes values, with the address of Consul. Fails the test when Helm fails. */
async function run(command: string, args: readonly string[], values?: object): Promise<string> {
  const { host, port } = consul.address;
  const { code, stdout, stderr } = await helm(
    [command, ...args, `--namespace=${NAMESPACE}`],
    values && { consul: { host, port }, ...values },
  );
  assert.equal(code, 0, `helm ${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await kubernetes.kubectl([`--namespace=${NAMESPACE}`, ...args]);
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function countPolicies(): Promise<number> {
  const kinds = 'validatingadmissionpolicies,validatingadmissionpolicybindings';
  return hasPolicy ? (await kubectl('get', kinds, '-o', 'name')).split('\n').length - 1 : 0;
}

function show(object: string): Promise<string> {
  return kubectl('get', object, '-o', 'json', '--show-managed-fields');
}

function jsonPath(object: string, path: string): Promise<string> {
  return kubectl('get', object, '-o', `jsonpath=${path}`);
}

async function exists(object: string): Promise<boolean> {
  return (await kubectl('get', object, '--ignore-not-found', '-o', 'name')) !== '';
}

async function installed(name: string): Promise<PodSpec> {
  const deployment: KubernetesObject = JSON.parse(await kubectl('get', 'deployment', name, '-o', 'json'));
  return podSpecOf(deployment);
}

/** The program as the kubelet would start it: with the arguments, variables and ServiceAccount of the Pod. */
async function start(pod: PodSpec, ...args: readonly string[]): Promise<Daemon> {
  const container = containerOf(pod);
  const env = {
    ...environmentOf(container),
    KUBECONFIG: await kubernetes.kubeconfigFor(NAMESPACE, pod.serviceAccountName),
  };
  return startDaemon(env, [...(container.args ?? []), ...args]);
}

/** Runs the connector of a Deployment until it is ready; it may do all that it does. */
async function publish(name: string): Promise<void> {
  const daemon = await start(await installed(name));
  try {
    await daemon.ready();
  } finally {
    await daemon.stop();
  }
  assert.deepEqual(
    daemon.logs.filter(({ level }) => level !== 'info'),
    [],
  );
}

/** Resolves when the API server enforces the policies of these connectors. */
async function enforced(names: readonly string[]): Promise<void> {
  for (const name of names)
    await eventually(
      `the policy of ${name} is enforced`,
      async () =>
        /denied request/.test(
          (await as(name, ['create', 'secret', 'generic', 'probe', '--dry-run=server'])).stderr,
        ),
      ENFORCED_WITHIN_MS,
    );
}

function as(account: string, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const user = `system:serviceaccount:${NAMESPACE}:${account}`;
  return kubernetes.kubectl([`--namespace=${NAMESPACE}`, `--as=${user}`, ...args]);
}

async function refused(account: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await as(account, args);
  assert.equal(code, 1, `${account} may ${args.join(' ')}`);
  assert.match(stderr, /forbidden/i);
}
