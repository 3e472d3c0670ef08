import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
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
import { containerOf, environmentOf, type PodSpec, podSpecOf } from './pod-spec.ts';
import { mustKubectl } from './world.ts';

/** Namespace and name differ from those of the plain manifest. */
const NAMESPACE = 'gateways';
const RELEASE = 'mesh';
const NAME = `${RELEASE}-ambassador-consul-connector`;
const [SECRET, SERVICE] = ['secret/ambassador-consul-connect', 'service/ambassador-consul-connector'];
const PUBLISHED = [SECRET, SERVICE];

let consul: RealConsul;
let kubernetes: RealKubernetes;
let helm: Helm;
/** Whether the API server serves ValidatingAdmissionPolicy. Before Kubernetes 1.30 the chart omits it. */
let hasPolicy: boolean;
before(async () => {
  [consul, kubernetes] = await startAll(startRealConsul(), startRealKubernetes());
  helm = makeHelm(temporary(), kubernetes.kubeconfigFile);
  hasPolicy = await hasPolicies((args) => kubectl(...args));
});
after(async () => {
  await Promise.all([consul?.stop(), kubernetes?.stop()]);
});

test('after helm install the connector publishes; the notes have the next commands', async (t) => {
  const notes = await run('install', [RELEASE, CHART, '--create-namespace'], {});

  assert.match(notes, new RegExp(`^ {2}kubectl -n ${NAMESPACE} rollout status deployment/${NAME}$`, 'm'));
  assert.match(notes, new RegExp(`^ {2}helm -n ${NAMESPACE} test ${RELEASE} --logs$`, 'm'));
  assert.equal(/WARNING/.test(notes), !hasPolicy, notes);
  await publish(t);
  assert.match(await show(SECRET), /\/svc\/ambassador"/);
});

test('helm test runs check, which passes', async () => {
  // No kubelet runs the Pod, so Helm times out; the test runs the Pod that it created.
  const { code, stderr } = await helm(['test', RELEASE, `--namespace=${NAMESPACE}`, '--timeout=2s']);
  assert.equal(code, 1);
  assert.match(stderr, /timed out/);
  const pod: { spec: PodSpec } = JSON.parse(await kubectl('get', 'pod', `${NAME}-check`, '-o', 'json'));

  const passes = async () => {
    const { rows, notPassed } = await Report.of(await start(pod.spec, '--json'));
    assert.ok(rows.length > 20);
    return notPassed.every(({ check }) => check === 'creation' && !hasPolicy);
  };
  await eventually('check passes', passes);
});

test('helm upgrade, rollback, uninstall and a new install do not change the published Secret and Service', async (t) => {
  const before = await Promise.all(PUBLISHED.map(show));
  const assertSame = async (command: string) =>
    assert.deepEqual(await Promise.all(PUBLISHED.map(show)), before, command);
  const replicas = () => jsonPath(`deployment/${NAME}`, '{.spec.replicas}');
  const names = () => jsonPath(`role/${NAME}`, '{.rules[0].resourceNames}');
  const kinds = 'validatingadmissionpolicies,validatingadmissionpolicybindings';
  const countPolicies = async () =>
    hasPolicy ? (await kubectl('get', kinds, '-o', 'name')).split('\n').length - 1 : 0;

  await run('upgrade', [RELEASE, CHART], { replicas: 2, verifyUpstream: true });
  assert.equal(await replicas(), '2');
  assert.match(await names(), /ambassador-consul-connect-ca/);
  assert.equal(await countPolicies(), hasPolicy ? 2 : 0);
  await assertSame('upgrade');

  await run('rollback', [RELEASE, '1']);
  assert.equal(await replicas(), '1');
  assert.doesNotMatch(await names(), /-ca/);
  await assertSame('rollback');

  await run('upgrade', [RELEASE, CHART, '--force'], {});
  await assertSame('upgrade --force');

  await run('uninstall', [RELEASE]);
  assert.equal(await kubectl('get', 'deployments,roles,rolebindings,serviceaccounts', '-o', 'name'), '');
  assert.equal(await countPolicies(), 0);
  await assertSame('uninstall');

  await run('install', [RELEASE, CHART], {});
  await publish(t);
  await assertSame('install');
});

test('helm upgrade replaces the agent on the node by an address, and the address by the agent', async () => {
  const hostOf = () =>
    jsonPath(`deployment/${NAME}`, '{.spec.template.spec.containers[0].env[?(@.name=="_CONSUL_HOST")]}');

  await run('upgrade', [RELEASE, CHART], { consul: {} });
  assert.match(await hostOf(), /status\.hostIP/);

  await run('upgrade', [RELEASE, CHART], {});
  assert.deepEqual(JSON.parse(await hostOf()), { name: '_CONSUL_HOST', value: consul.address.host });
});

test('an annotation in the values is published, and removed with its value; the policy allows no other', async (t) => {
  const [annotation, value] = ['example.com/to', `a, 'b' "c" <d> $(e)`];
  const annotations = () => Promise.all(PUBLISHED.map((each) => jsonPath(each, '{.metadata.annotations}')));
  const publishUntil = async (what: string, isSo: (found: string) => boolean) => {
    const daemon = await startInstalled(t);
    await eventually(what, async () => (await annotations()).every(isSo));
    await daemon.stop();
  };

  await run('upgrade', [RELEASE, CHART], { publishedAnnotations: { [annotation]: value } });
  await publishUntil('the annotation on both', (found) => JSON.parse(found)[annotation] === value);
  if (hasPolicy) {
    const patch = JSON.stringify({ metadata: { annotations: { 'example.com/other': value } } });
    const as = `--as=system:serviceaccount:${NAMESPACE}:${NAME}`;
    const args = ['patch', SECRET, '--type=merge', `--patch=${patch}`];
    const refused = await kubernetes.kubectl([`--namespace=${NAMESPACE}`, as, ...args]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /forbidden/i);
  }

  await run('upgrade', [RELEASE, CHART], {});
  await publishUntil('it is gone from both', (found) => !found.includes(annotation));
});

test('without a Service to publish the connector needs no right to Services; without the admission policy there is a warning', async (t) => {
  await kubectl('delete', ...PUBLISHED);
  await run('upgrade', [RELEASE, CHART], { publishService: false });
  await publish(t);
  const notes = await run('upgrade', [RELEASE, CHART], { publishService: false, admissionPolicy: false });

  assert.match(notes, /^WARNING: there is no ValidatingAdmissionPolicy/m);
  assert.equal(await kubectl('get', SERVICE, '--ignore-not-found', '-o', 'name'), '');
  assert.doesNotMatch(await jsonPath(`role/${NAME}`, '{.rules}'), /services/);
});

test('the API server accepts each field of a release that sets every value', async () => {
  const template = ['template', 'whole', CHART, '--validate', `--namespace=${NAMESPACE}`];
  const { code, stdout, stderr } = await helm(template, EVERY_VALUE);
  assert.equal(code, 0, stderr);

  const dryRun = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
  const applied = await mustKubectl(kubernetes, dryRun, stdout);

  const others = ['networkpolicy.networking.k8s.io', 'poddisruptionbudget.policy'];
  for (const kind of ['deployment.apps', 'pod', ...others])
    assert.match(applied, new RegExp(`^${kind}/whole-\\S+ created \\(server dry run\\)$`, 'm'));
});

/** Helm in the namespace, with the address of Consul among the values. Fails the test when Helm fails. */
async function run(command: string, args: readonly string[], values?: object): Promise<string> {
  const { host, port } = consul.address;
  const { code, stdout, stderr } = await helm(
    [command, ...args, `--namespace=${NAMESPACE}`],
    values && { consul: { host, port }, ...values },
  );
  assert.equal(code, 0, `helm ${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function kubectl(...args: readonly string[]): Promise<string> {
  return mustKubectl(kubernetes, [`--namespace=${NAMESPACE}`, ...args]);
}

function show(object: string): Promise<string> {
  return kubectl('get', object, '-o', 'json', '--show-managed-fields');
}

function jsonPath(object: string, path: string): Promise<string> {
  return kubectl('get', object, '-o', `jsonpath=${path}`);
}

/** The program as the kubelet would start it: with the arguments, variables and ServiceAccount of the Pod. */
async function start(pod: PodSpec, ...args: readonly string[]): Promise<Daemon> {
  const container = containerOf(pod);
  const KUBECONFIG = await kubernetes.kubeconfigFor(NAMESPACE, pod.serviceAccountName);
  return startDaemon({ ...environmentOf(container), KUBECONFIG }, [...(container.args ?? []), ...args]);
}

/** Starts the connector of the Deployment, and stops it after the test. */
async function startInstalled(t: TestContext): Promise<Daemon> {
  const daemon = await start(podSpecOf(JSON.parse(await kubectl('get', 'deployment', NAME, '-o', 'json'))));
  t.after(() => daemon.stop());
  return daemon;
}

/** Runs the connector of the Deployment until it is ready; no right is missing. */
async function publish(t: TestContext): Promise<void> {
  const daemon = await startInstalled(t);
  await daemon.ready();
  await daemon.stop();
  assert.deepEqual(
    daemon.logs.filter(({ level }) => level !== 'info'),
    [],
  );
}
