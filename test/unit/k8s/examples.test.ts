import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, isSeq, parse, parseAllDocuments } from 'yaml';
import { type Config, readConfig } from '../../../src/config/config.ts';
import { FILES, fencedBlocks, readPage } from '../docs/pages.ts';

const GATEWAYS = ['ingress-nginx', 'traefik', 'emissary'];
const NAMESPACE = 'ambassador';
const ANNOTATION = 'nginx.ingress.kubernetes.io/';

const manifests = FILES.filter((file) => /^k8s\/.*\.yaml$/.test(file));

function documents(file: string): Document[] {
  return parseAllDocuments(readPage(file)).map((document) => {
    assert.deepEqual(document.errors, [], file);
    return document;
  });
}

/** The comment that a file begins with. */
function header(file: string): string {
  return /^(?:#.*\n)+/.exec(readPage(file))?.[0] ?? '';
}

/** The one of a kind in an example. */
function the(kind: string, example: string): Document {
  const found = manifests
    .filter((file) => file.startsWith(`k8s/examples/${example}/`))
    .flatMap(documents)
    .filter((document) => document.get('kind') === kind);
  const [first] = found;
  assert.ok(first !== undefined && found.length === 1, `${example} has one ${kind}`);
  return first;
}

/** What the connector of an example publishes. */
function configOf(example: string): Config {
  const { spec } = parse(readPage(`k8s/examples/${example}/deployment.yaml`));
  const [{ env }] = spec.template.spec.containers;
  return readConfig(
    Object.fromEntries(env.map(({ name, value }: { name: string; value: string }) => [name, value])),
  );
}

function listIn(document: Document, ...path: string[]): unknown {
  const list = document.getIn(path);
  return isSeq(list) ? list.toJSON() : list;
}

test('S8: the NetworkPolicy is for the Pods of the manifest and lets in their one port', () => {
  const policy = the('NetworkPolicy', 'network-policy');
  const deployment = manifests
    .filter((file) => file.startsWith('k8s/base/'))
    .flatMap(documents)
    .find((document) => document.get('kind') === 'Deployment');
  assert.ok(deployment);
  const labels = deployment.toJS().spec.template.metadata.labels;
  const [{ ports }] = deployment.toJS().spec.template.spec.containers;

  for (const [name, value] of Object.entries(policy.toJS().spec.podSelector.matchLabels)) {
    assert.equal(labels[name], value);
  }
  assert.deepEqual(policy.toJS().spec.ingress[0].ports, [{ port: ports[0].name }]);
  const allowed = policy.toJS().spec.egress.flatMap((rule: { ports: { port: number }[] }) => rule.ports);
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
  test(`k8s/examples/${example} says in each file what was and what was not tried`, () => {
    const files = manifests.filter((file) => file.startsWith(`k8s/examples/${example}/`));
    assert.ok(files.length >= 3, 'the files are found');
    for (const file of files) assert.match(header(file), /\btried\b/i, file);
  });

  test(`the connector of k8s/examples/${example} publishes no Service, and all of it is in one namespace`, () => {
    assert.equal(configOf(example).serviceEnabled, false);
    for (const file of manifests.filter((each) => each.startsWith(`k8s/examples/${example}/`))) {
      for (const document of documents(file).filter((each) => each.has('metadata')))
        assert.equal(document.getIn(['metadata', 'namespace']), NAMESPACE, file);
    }
  });

  test(`k8s/examples/${example} builds on the base and takes every other file of its folder`, () => {
    const kustomization = parse(readPage(`k8s/examples/${example}/kustomization.yaml`));
    const patches = kustomization.patches.map(({ path }: { path: string }) => path);
    const taken = [...kustomization.resources, ...patches, 'kustomization.yaml'];
    const there = manifests
      .filter((file) => file.startsWith(`k8s/examples/${example}/`))
      .map((file) => file.slice(`k8s/examples/${example}/`.length));
    assert.deepEqual(taken.sort(), ['../../base', ...there].sort());
  });
}

test('the Ingress names the Secret in its own namespace, and expects HTTPS behind it', () => {
  const annotation = (name: string) =>
    the('Ingress', 'ingress-nginx').getIn(['metadata', 'annotations', `${ANNOTATION}${name}`]);

  assert.equal(annotation('proxy-ssl-secret'), `${NAMESPACE}/${configOf('ingress-nginx').secret}`);
  assert.equal(annotation('backend-protocol'), 'HTTPS');
});

test('the ServersTransport presents and verifies by the Secret, and skips the name only because it checks the URI', () => {
  const transport = the('ServersTransport', 'traefik');
  const { secret } = configOf('traefik');

  assert.deepEqual(listIn(transport, 'spec', 'certificatesSecrets'), [secret]);
  assert.deepEqual(listIn(transport, 'spec', 'rootCAsSecrets'), [secret]);
  assert.equal(transport.getIn(['spec', 'insecureSkipVerify']), true);
  assert.match(
    String(transport.getIn(['spec', 'peerCertURI'])),
    /^spiffe:\/\/[-0-9]+\.consul\/ns\/default\/dc\/dc1\/svc\/qotm$/,
  );
  const route = the('IngressRoute', 'traefik');
  const service = ['spec', 'routes', 0, 'services', 0];
  assert.equal(route.getIn([...service, 'serversTransport']), transport.getIn(['metadata', 'name']));
  assert.equal(route.getIn([...service, 'scheme']), 'https');
});

test('the TLSContext has the name and the Secret that the connector would write, and the Mapping names it', () => {
  const config = configOf('emissary');
  const context = the('TLSContext', 'emissary');

  assert.equal(context.getIn(['metadata', 'name']), config.tlsContext);
  assert.equal(context.getIn(['spec', 'secret']), config.secret);
  assert.equal(the('Mapping', 'emissary').getIn(['spec', 'tls']), config.tlsContext);
  assert.equal(
    the('Mapping', 'emissary').getIn(['spec', 'resolver']),
    the('ConsulResolver', 'emissary').getIn(['metadata', 'name']),
  );
});

test('trust-manager reads the roots from the Secret that the connector publishes', () => {
  const bundle = the('Bundle', 'trust-manager');
  const { secret } = readConfig({});

  assert.deepEqual(listIn(bundle, 'spec', 'sources'), [{ secret: { name: secret, key: 'ca.crt' } }]);
});

test('the Mapping of the README is that of the examples', () => {
  const block = fencedBlocks(readPage('README.md')).find(({ text }) => /^kind: Mapping$/m.test(text));
  const mapping = documents('k8s/examples/mapping.yaml').find((each) => each.get('kind') === 'Mapping');

  assert.deepEqual(parse(block?.text ?? ''), mapping?.toJS());
  assert.deepEqual(the('Mapping', 'emissary').toJS(), mapping?.toJS());
});

test('the parts of the guide fit together, and the connector alone brings a TLSContext', () => {
  const guide = manifests.filter((file) => file.startsWith('k8s/examples/guide/')).flatMap(documents);
  const mapping = the('Mapping', 'guide');
  const { consul: access, tlsContext } = configOf('consul-k8s');
  const consul = parse(readPage('k8s/examples/guide/consul-values.yaml')).global;
  const resolver = the('ConsulResolver', 'guide');
  const qotm = the('Deployment', 'guide').getIn(['metadata', 'name']);
  const emissary = parse(parse(readPage('k8s/examples/guide/emissary-values.yaml')).envRaw);

  assert.deepEqual(
    guide.filter((each) => each.get('kind') === 'TLSContext'),
    [],
  );
  assert.equal(mapping.getIn(['spec', 'tls']), tlsContext);
  assert.equal(mapping.getIn(['spec', 'service']), `https://${qotm}-sidecar-proxy`);
  assert.equal(mapping.getIn(['spec', 'resolver']), resolver.getIn(['metadata', 'name']));
  assert.equal(resolver.getIn(['spec', 'address']), `${consul.name}-server.consul.svc:8501`);
  assert.equal(resolver.getIn(['spec', 'datacenter']), consul.datacenter);
  const intentions = the('ServiceIntentions', 'guide');
  assert.deepEqual(listIn(intentions, 'spec', 'sources'), [{ name: access.service, action: 'allow' }]);
  assert.equal(intentions.getIn(['spec', 'destination', 'name']), qotm);
  assert.deepEqual(
    emissary.map(({ name }: { name: string }) => name),
    ['CONSUL_HTTP_TOKEN', 'CONSUL_HTTP_SSL', 'CONSUL_CACERT', 'CONSUL_TLS_SERVER_NAME'],
  );
  const { namespace } = parse(readPage('k8s/examples/guide/connector/kustomization.yaml'));
  for (const kind of ['Mapping', 'ConsulResolver', 'Listener', 'Host'])
    assert.equal(the(kind, 'guide').getIn(['metadata', 'namespace']), namespace, kind);
});

test('no file with a Listener or a Host has a TLSContext: applying it would add a second one', () => {
  for (const file of manifests) {
    const kinds = documents(file).map((each) => each.get('kind'));
    if (kinds.includes('Listener') || kinds.includes('Host')) assert.ok(!kinds.includes('TLSContext'), file);
  }
});

test('E1: nothing that can be copied has an apiVersion on which Emissary ends', () => {
  const copied = FILES.filter((file) => /^(k8s|bench|scripts)\/|^\.env|\.md$/.test(file));

  for (const file of copied) {
    assert.doesNotMatch(readPage(file), /apiVersion: ['"]?(?:ambassador\/|getambassador\.io\/v[01]\b)/, file);
  }
});
