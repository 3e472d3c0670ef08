import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Document, isSeq, parse, parseAllDocuments } from 'yaml';
import { type Config, readConfig } from '../../../src/config/config.ts';
import { FILES, readPage } from '../docs/pages.ts';

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
    const taken = [...kustomization.resources, ...kustomization.patchesStrategicMerge, 'kustomization.yaml'];
    const there = manifests
      .filter((file) => file.startsWith(`k8s/examples/${example}/`))
      .map((file) => file.slice(`k8s/examples/${example}/`.length));
    assert.deepEqual(kustomization.bases, ['../../base']);
    assert.deepEqual(taken.sort(), there.sort());
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

test('the Mapping of the README is that of the examples', () => {
  const [, block = ''] = /^```yaml\n(.*?kind: Mapping.*?)^```/ms.exec(readPage('README.md')) ?? [];
  const mapping = documents('k8s/examples/mapping.yaml').find((each) => each.get('kind') === 'Mapping');

  assert.deepEqual(parse(block), mapping?.toJS());
  assert.deepEqual(the('Mapping', 'emissary').toJS(), mapping?.toJS());
});

test('E1: nothing that can be copied has an apiVersion on which Emissary ends', () => {
  const copied = FILES.filter((file) => /^(k8s|bench|scripts)\/|^\.env|\.md$/.test(file));

  for (const file of copied) {
    assert.doesNotMatch(readPage(file), /apiVersion: ['"]?(?:ambassador\/|getambassador\.io\/v[01]\b)/, file);
  }
});
