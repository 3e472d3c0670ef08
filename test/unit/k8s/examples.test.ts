import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { type Config, readConfig } from '../../../src/config/config.ts';
import { FILES, fencedBlocks, readPage } from '../docs/pages.ts';

const GATEWAYS = ['ingress-nginx', 'traefik', 'emissary'];
const NAMESPACE = 'ambassador';
const ANNOTATION = 'nginx.ingress.kubernetes.io/';

const manifests = FILES.filter((file) => /^k8s\/.*\.yaml$/.test(file));

/** The objects of a manifest. They are not typed: a test that reads a missing field fails. */
function documents(file: string) {
  return parseAllDocuments(readPage(file)).map((document) => {
    assert.deepEqual(document.errors, [], file);
    return document.toJS();
  });
}

const filesOf = (example: string) => manifests.filter((file) => file.startsWith(`k8s/examples/${example}/`));

/** The one of a kind in an example. */
function the(kind: string, example: string) {
  const found = filesOf(example)
    .flatMap(documents)
    .filter((document) => document.kind === kind);
  assert.equal(found.length, 1, `${example} has one ${kind}`);
  return found[0];
}

/** The configuration of the connector in an example. */
function configOf(example: string): Config {
  const { spec } = parse(readPage(`k8s/examples/${example}/deployment.yaml`));
  const [{ env }] = spec.template.spec.containers;
  return readConfig(
    Object.fromEntries(env.map(({ name, value }: { name: string; value: string }) => [name, value])),
  );
}

test('S8: the NetworkPolicy selects the Pods of the manifest and allows only their port', () => {
  const policy = the('NetworkPolicy', 'network-policy');
  const base = documents('k8s/base/ambassador-consul-connector.yaml');
  const { metadata, spec } = base.find(({ kind }) => kind === 'Deployment').spec.template;
  const { podSelector, ingress, egress } = policy.spec;

  assert.deepEqual({ ...metadata.labels, ...podSelector.matchLabels }, metadata.labels);
  assert.deepEqual(ingress[0].ports, [{ port: spec.containers[0].ports[0].name }]);
  const allowed = egress.flatMap((rule: { ports: { port: number }[] }) => rule.ports);
  assert.deepEqual(
    allowed.map(({ port }: { port: number }) => port),
    [53, 53, 8500, 8501, 443, 6443],
  );
});

test('S2: a login is over HTTPS with a projected token; that of jwt-login is for Consul alone', () => {
  for (const [example, audience] of [
    ['consul-k8s', undefined],
    ['jwt-login', 'consul'],
  ] as const) {
    const { consul } = configOf(example);
    const pod = parse(readPage(`k8s/examples/${example}/deployment.yaml`)).spec.template.spec;
    const [{ volumeMounts }] = pod.containers;
    const { projected } = pod.volumes.find(({ name }: { name: string }) => name === 'consul-login');
    const [{ serviceAccountToken }] = projected.sources;

    assert.ok(consul.tls !== undefined && consul.token.kind === 'login', example);
    const { mountPath } = volumeMounts.find(({ name }: { name: string }) => name === 'consul-login');
    assert.equal(consul.token.bearerTokenFile, `${mountPath}/${serviceAccountToken.path}`);
    assert.equal(serviceAccountToken.audience, audience);
  }
});

test('every manifest is YAML without an error', () => {
  assert.ok(manifests.length > 20, 'the manifests are found');
  for (const file of manifests) assert.ok(documents(file).length > 0, file);
});

for (const example of GATEWAYS) {
  test(`the connector of k8s/examples/${example} publishes no Service, and every object is in one namespace`, () => {
    assert.equal(configOf(example).serviceEnabled, false);
    for (const file of filesOf(example))
      for (const { metadata } of documents(file).filter((each) => 'metadata' in each))
        assert.equal(metadata.namespace, NAMESPACE, file);
  });

  test(`k8s/examples/${example} builds on the base and uses every other file of its folder`, () => {
    const kustomization = parse(readPage(`k8s/examples/${example}/kustomization.yaml`));
    const patches = kustomization.patches.map(({ path }: { path: string }) => path);
    const taken = [...kustomization.resources, ...patches, 'kustomization.yaml'];
    const there = filesOf(example).map((file) => file.slice(`k8s/examples/${example}/`.length));
    assert.deepEqual(taken.sort(), ['../../base', ...there].sort());
  });
}

test('the Ingress names the Secret in its own namespace, and expects HTTPS behind it', () => {
  const { annotations } = the('Ingress', 'ingress-nginx').metadata;
  const secret = `${NAMESPACE}/${configOf('ingress-nginx').secret}`;
  assert.equal(annotations[`${ANNOTATION}proxy-ssl-secret`], secret);
  assert.equal(annotations[`${ANNOTATION}backend-protocol`], 'HTTPS');
});

test('the ServersTransport uses the Secret as certificate and as CA, and checks the URI instead of the name', () => {
  const transport = the('ServersTransport', 'traefik');
  const { secret } = configOf('traefik');

  assert.deepEqual(transport.spec.certificatesSecrets, [secret]);
  assert.deepEqual(transport.spec.rootCAsSecrets, [secret]);
  assert.equal(transport.spec.insecureSkipVerify, true);
  assert.match(transport.spec.peerCertURI, /^spiffe:\/\/[-0-9]+\.consul\/ns\/default\/dc\/dc1\/svc\/qotm$/);
  const route = the('IngressRoute', 'traefik');
  const [service] = route.spec.routes[0].services;
  assert.deepEqual([service.serversTransport, service.scheme], [transport.metadata.name, 'https']);
});

test('the TLSContext has the name and Secret of the connector, and the Mapping references it', () => {
  const config = configOf('emissary');
  const context = the('TLSContext', 'emissary');
  assert.equal(context.metadata.name, config.tlsContext);
  assert.equal(context.spec.secret, config.secret);
  assert.equal(the('Mapping', 'emissary').spec.tls, config.tlsContext);
  assert.equal(the('Mapping', 'emissary').spec.resolver, the('ConsulResolver', 'emissary').metadata.name);
});

test('trust-manager reads the roots from the Secret that the connector publishes', () => {
  const bundle = the('Bundle', 'trust-manager');
  const { secret } = readConfig({});
  assert.deepEqual(bundle.spec.sources, [{ secret: { name: secret, key: 'ca.crt' } }]);
});

test('the Mapping of the README is that of the examples', () => {
  const block = fencedBlocks(readPage('README.md')).find(({ text }) => /^kind: Mapping$/m.test(text));
  const mapping = documents('k8s/examples/mapping.yaml').find(({ kind }) => kind === 'Mapping');
  assert.deepEqual(parse(block?.text ?? ''), mapping);
  assert.deepEqual(the('Mapping', 'emissary'), mapping);
});

test('the parts of the guide match, and only the connector creates a TLSContext', () => {
  const guide = filesOf('guide').flatMap(documents);
  const mapping = the('Mapping', 'guide');
  const { consul: access, tlsContext } = configOf('consul-k8s');
  const consul = parse(readPage('k8s/examples/guide/consul-values.yaml')).global;
  const resolver = the('ConsulResolver', 'guide');
  const qotm = the('Deployment', 'guide').metadata.name;
  const emissary = parse(parse(readPage('k8s/examples/guide/emissary-values.yaml')).envRaw);

  const others = guide.filter(({ kind }) => kind === 'TLSContext');
  assert.deepEqual(others, []);
  assert.equal(mapping.spec.tls, tlsContext);
  assert.equal(mapping.spec.service, `https://${qotm}-sidecar-proxy`);
  assert.equal(mapping.spec.resolver, resolver.metadata.name);
  assert.equal(resolver.spec.address, `${consul.name}-server.consul.svc:8501`);
  assert.equal(resolver.spec.datacenter, consul.datacenter);
  const intentions = the('ServiceIntentions', 'guide');
  assert.deepEqual(intentions.spec.sources, [{ name: access.service, action: 'allow' }]);
  assert.equal(intentions.spec.destination.name, qotm);
  assert.deepEqual(
    emissary.map(({ name }: { name: string }) => name),
    ['CONSUL_HTTP_TOKEN', 'CONSUL_HTTP_SSL', 'CONSUL_CACERT', 'CONSUL_TLS_SERVER_NAME'],
  );
  const { namespace } = parse(readPage('k8s/examples/guide/connector/kustomization.yaml'));
  for (const kind of ['Mapping', 'ConsulResolver', 'Listener', 'Host'])
    assert.equal(the(kind, 'guide').metadata.namespace, namespace, kind);
});

test('E1: no text that can be copied has an apiVersion that crashes Emissary', () => {
  const copied = FILES.filter((file) => /^(k8s|bench|scripts)\/|^\.env|\.md$/.test(file));
  for (const file of copied) {
    assert.doesNotMatch(readPage(file), /apiVersion: ['"]?(?:ambassador\/|getambassador\.io\/v[01]\b)/, file);
  }
});
