import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readConfig } from '../../../src/config/config.ts';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { readPage, yamlBlocks } from '../../unit/docs/pages.ts';
import { kustomize } from '../manifests.ts';
import { containerOf, environmentOf, type KubernetesObject, podSpecOf } from '../pod-spec.ts';
import { CHART, helmAlone, inOrder, objectsIn, render } from './chart.ts';

const PLAIN = 'k8s/ambassador-consul-connector.yaml';
const POLICIES = 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy';
/** An API of every cluster. */
const POD = '--api-versions=v1/Pod';

const overHttps = {
  host: 'consul-server.consul.svc',
  tls: { enabled: true, serverName: 'server.dc1.consul', ca: { secretName: 'consul-ca-cert' } },
};

function files(...names: readonly string[]): KubernetesObject[] {
  return names.flatMap((name) => objectsIn(readPage(name)));
}

function the(objects: readonly KubernetesObject[], kind: string): KubernetesObject | undefined {
  return objects.find((object) => object.kind === kind);
}

test('helm lint reports no error and no warning', async () => {
  const { code, stdout } = await helmAlone(['lint', '--strict', CHART]);

  assert.equal(code, 0, stdout);
});

test('with its defaults the chart renders the plain manifest', async () => {
  assert.deepEqual(inOrder(await render({})), inOrder(files(PLAIN)));
});

for (const [folder, values] of [
  ['overlays/verify-upstream', { verifyUpstream: true }],
  ['overlays/replicas', { replicas: 2 }],
  ['overlays/openshift', { openshift: true }],
  ['overlays/edge', { ambassadors: [{ id: 'edge' }] }],
  ['overlays/three-ambassadors', { ambassadors: [{}, { id: 'edge' }, { id: 'internal' }] }],
  ['overlays/no-create', { mayCreate: false, admissionPolicy: false }],
  ['overlays/before-1.30', { admissionPolicy: false }],
  ['examples/token-in-a-secret', { consul: { token: { secretName: 'ambassador-consul-token' } } }],
  [
    'examples/consul-k8s',
    {
      consul: { ...overHttps, login: { authMethod: 'consul-k8s-auth-method' } },
      ambassadors: [{ consulService: 'ambassador-consul-connector' }],
    },
  ],
  [
    'examples/jwt-login',
    { consul: { ...overHttps, login: { authMethod: 'kubernetes-jwt', audience: 'consul' } } },
  ],
] as const)
  test(`with ${JSON.stringify(values)} the chart renders k8s/${folder}`, async () => {
    assert.deepEqual(inOrder(await render(values)), inOrder(objectsIn(await kustomize(`k8s/${folder}`))));
  });

for (const [file, values] of [
  ['k8s/examples/network-policy/network-policy.yaml', { networkPolicy: { enabled: true } }],
  ['k8s/monitoring/pod-monitor.yaml', { podMonitor: { enabled: true } }],
  ['k8s/monitoring/alerts.yaml', { prometheusRule: { enabled: true } }],
] as const)
  test(`with ${JSON.stringify(values)} the chart renders ${file} beside the plain manifest`, async () => {
    assert.deepEqual(inOrder(await render(values)), inOrder(files(PLAIN, file)));
  });

test('the cluster-scoped objects of two releases in two namespaces have different names', async () => {
  const clusterScoped = async (...flags: readonly string[]) =>
    (await render({}, ...flags))
      .filter(({ metadata }) => metadata.namespace === undefined)
      .map(({ kind, metadata }) => kind + metadata.name);

  const ids = [...(await clusterScoped()), ...(await clusterScoped('--namespace=other'))];

  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 4);
});

for (const [what, flags, values, expected] of [
  ['there is no cluster', [], {}, 2],
  ['the cluster serves it', [POD, `--api-versions=${POLICIES}`], {}, 2],
  ['the cluster does not serve it', [POD], {}, 0],
  ['the cluster does not serve it, but it is switched on', [POD], { admissionPolicy: true }, 2],
] as const)
  test(`the admission policy is ${expected > 0 ? '' : 'not '}rendered if ${what}`, async () => {
    const kinds = (await render(values, ...flags)).map(({ kind }) => kind);

    assert.equal(kinds.filter((kind) => kind.startsWith('ValidatingAdmissionPolicy')).length, expected);
  });

test('with openshift the Pods leave user and groups to the cluster', async () => {
  const objects = await render({ openshift: true, consul: { token: { secretName: 't' } } });
  const { securityContext } = podSpecOf(the(objects, 'Deployment'));

  assert.deepEqual(securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
});

test('the values in the documentation of the chart are accepted', async () => {
  const pages = ['docs/install-with-helm.md', 'charts/ambassador-consul-connector/README.md'];
  const blocks = pages.flatMap(yamlBlocks);

  assert.ok(blocks.length >= 2, 'the blocks are found');
  for (const text of blocks) assert.ok(the(await render(parse(text)), 'Deployment'));
});

test('NODE_OPTIONS in env replaces that of the chart', async () => {
  const variable = { name: 'NODE_OPTIONS', value: '--use-openssl-ca' };
  const { env } = containerOf(podSpecOf(the(await render({ env: [variable] }), 'Deployment')));

  assert.deepEqual(
    env.filter(({ name }) => name === variable.name),
    [variable],
  );
});

for (const [url, port] of [
  ['https://gateway.example.com/consul', 443],
  ['http://[::1]:8600', 8600],
] as const) {
  test(`the connector queries consul.url ${url}, and the NetworkPolicy allows egress to port ${port}`, async () => {
    const objects = await render({ consul: { url }, networkPolicy: { enabled: true } });

    const environment = environmentOf(containerOf(podSpecOf(the(objects, 'Deployment'))));
    assert.equal(environment['CONSUL_HTTP_ADDR'], url);
    const [server] = readConfig(environment).consul.servers;
    assert.ok(server !== undefined && 'port' in server && server.port === port);
    assert.ok(!('_CONSUL_HOST' in environment) && !('_CONSUL_PORT' in environment));
    const policy = JSON.stringify(the(objects, 'NetworkPolicy'));
    const ports = JSON.stringify([8500, 8501, port].map((each) => ({ port: each })));
    assert.ok(policy.includes(ports), policy);
  });
}

test('a digest takes precedence over the tag', async () => {
  const [repository, digest] = ['registry.example.com/connector', `sha256:${'0'.repeat(64)}`];
  const deployment = the(await render({ image: { repository, digest, tag: '1.2.3' } }), 'Deployment');

  assert.equal(containerOf(podSpecOf(deployment)).image, `${repository}@${digest}`);
});

test('the Pod of helm test runs check as the connector is configured, and the published Service does not select it', async () => {
  const values = { consul: { ...overHttps, login: { authMethod: 'm' } }, image: { pullPolicy: 'Always' } };
  const args = ['template', 'x', CHART, '--namespace=ambassador'];
  const { code, stdout, stderr } = await helmAlone(args, values);
  assert.equal(code, 0, stderr);
  const objects = objectsIn(stdout);
  const deployed = podSpecOf(the(objects, 'Deployment'));
  const pod = the(objects, 'Pod');
  const container = containerOf(deployed);

  assert.deepEqual(pod?.spec, {
    ...without(deployed, 'terminationGracePeriodSeconds'),
    restartPolicy: 'Never',
    containers: [
      {
        ...without(container, 'ports', 'livenessProbe', 'readinessProbe'),
        name: 'check',
        args: ['check', '--wait', '60s'],
      },
    ],
  });
  assert.ok(!('app.kubernetes.io/instance' in (pod.metadata.labels ?? {})));
});

function without(object: object, ...keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Most of these are no strings in YAML 1.1, which Ambassador reads. */
const AWKWARD = 'no On y null 1 01 1.5 1_0 0x1F 0b1 e5 1e3 2020-01-01 Edge_1.x x 1.2.3 nan'.split(' ');

test('for every name of the Ambassador, Role and policy match what the connector of that Deployment writes', async () => {
  const ambassadors = AWKWARD.map((id, index) => ({
    id,
    tlsContextName: AWKWARD.at(-1 - index),
    secretName: `s${index}-1`,
    serviceName: `t${index}`,
  }));
  const values = {
    ambassadors: [...ambassadors, { id: 'edge' }, {}],
    verifyUpstream: true,
    admissionPolicy: true,
  };
  const objects = await render(values);
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  assert.equal(deployments.length, AWKWARD.length + 2);

  for (const deployment of deployments) {
    const { name } = deployment.metadata;
    const named = (kind: string, name: string) =>
      objects.find((each) => each.kind === kind && each.metadata.name === name);
    const config = readConfig(environmentOf(containerOf(podSpecOf(deployment))));
    const policy = named('ValidatingAdmissionPolicy', `ambassador.${name}`);
    const expression = (of: string) =>
      policy?.spec?.variables?.find((each) => each.name === of)?.expression ?? '';
    const namespaces = { secretNamespace: 'ambassador', serviceNamespace: 'ambassador' };
    const context = renderTlsContext({ ...config, ...namespaces }, config.apiVersion);
    const [secrets, services] = named('Role', name)?.rules ?? [];

    const head = `---\napiVersion: ${config.apiVersion}\nkind: TLSContext\n`;
    assert.equal(head + expression('tlsContext').slice(1, -1).replaceAll('\\n', '\n'), context);
    assert.equal(
      expression('secrets'),
      `{'${config.secret}': 'kubernetes.io/tls', '${config.upstreamCaSecret}': 'Opaque'}`,
    );
    assert.equal(expression('service'), `'${config.service}'`);
    assert.equal(expression('instance'), `'${config.instance}'`);
    assert.equal(deployment.metadata.labels?.['app.kubernetes.io/instance'], config.instance);
    assert.deepEqual(secrets?.resourceNames, [config.secret, config.upstreamCaSecret]);
    assert.deepEqual(services?.resourceNames, [config.service]);
  }
});
