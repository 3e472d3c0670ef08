import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import { type ObjectNames, secretManifests, serviceManifest } from '../../../src/publish/manifests.ts';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { bundleOf, HOUR, material, NOW, newLeaf, newRoot, SERVICE } from '../identity/support.ts';
import { EDGE_NAMES, newContent, SEED_NAMES } from './support.ts';

const content = await newContent();
const VERIFYING = { ...SEED_NAMES, upstreamCaSecret: 'ambassador-consul-connect-ca' };

function secretOf(names: ObjectNames) {
  return secretManifests(names, content).secret;
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

test('the Secret is of type kubernetes.io/tls and holds leaf, key and bundle, the key nowhere else', () => {
  const { data, type, ...rest } = secretOf(SEED_NAMES);
  const [, secretLine = ''] = content.tlsKey.split('\n');

  assert.equal(type, 'kubernetes.io/tls');
  assert.deepEqual(
    Object.entries(data).map(([name, value]) => [name, decoded(value)]),
    [
      ['tls.crt', content.tlsCrt],
      ['tls.key', content.tlsKey],
      ['ca.crt', content.caCrt],
    ],
  );
  assert.equal(secretLine.length, 64);
  assert.ok(!`${JSON.stringify(rest)}${content.tlsCrt}${content.caCrt}`.includes(secretLine));
});

test('the annotations of the Secret are its identity and its validity', () => {
  const { spiffeId, leaf } = content.identity;

  const { annotations } = secretOf(SEED_NAMES).metadata;

  const prefix = 'ambassador-consul-connector';
  assert.deepEqual(annotations, {
    [`${prefix}/spiffe-id`]: spiffeId.uri,
    [`${prefix}/trust-domain`]: spiffeId.trustDomain,
    [`${prefix}/serial-number`]: leaf.serialNumber,
    [`${prefix}/issuer`]: 'CN=Consul CA 7',
    [`${prefix}/not-before`]: '2030-01-15T12:00:00.000Z',
    [`${prefix}/not-after`]: '2030-01-19T16:00:00.000Z',
  });
});

test('the Secret of the roots is Opaque and holds them in tls.crt, the key that ca_secret reads, and no private key', () => {
  const secret = secretManifests(VERIFYING, content).upstreamCa ?? assert.fail('it is missing');
  assert.equal(secret.type, 'Opaque');
  assert.deepEqual(Object.keys(secret.data), ['tls.crt']);
  assert.equal(decoded(secret.data['tls.crt'] ?? ''), content.caCrt);
});

test('the Service has the TLSContext, is headless and points to the status port', () => {
  assert.deepEqual(serviceManifest(SEED_NAMES, 'getambassador.io/v2'), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'ambassador-consul-connector',
      namespace: 'ambassador',
      labels: {
        'app.kubernetes.io/name': 'ambassador-consul-connector',
        'ambassador-consul-connector/instance': 'ambassador',
        'app.kubernetes.io/managed-by': 'ambassador-consul-connector',
      },
      annotations: { 'getambassador.io/config': renderTlsContext(SEED_NAMES, 'getambassador.io/v2') },
    },
    spec: {
      clusterIP: 'None',
      selector: {
        'app.kubernetes.io/name': 'ambassador-consul-connector',
        'app.kubernetes.io/instance': 'ambassador',
      },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
    },
  });
});

test('with the ID `edge` both objects are named and labelled after it, and each is in its namespace', () => {
  const names = { ...EDGE_NAMES, secretNamespace: 'certificates' };
  const [secret, service] = [secretOf(names), serviceManifest(names, 'getambassador.io/v2')];
  const found = [secret, service].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  assert.deepEqual(found, ['certificates/edge-consul-connect', 'ambassador/edge-consul-connector']);
  assert.equal(secret.metadata.labels['ambassador-consul-connector/instance'], 'edge');
  assert.equal(service.spec.selector['app.kubernetes.io/instance'], 'edge');
});

test('K6: the labels of the configuration are on both objects and win over our own; the Pods are selected as before', () => {
  const names = { ...SEED_NAMES, labels: { gateway: 'edge', 'app.kubernetes.io/instance': 'mesh' } };
  for (const { metadata } of [secretOf(names), serviceManifest(names, 'getambassador.io/v2')]) {
    assert.equal(metadata.labels['gateway'], 'edge');
    assert.equal(metadata.labels['app.kubernetes.io/instance'], 'mesh');
  }
  const { selector } = serviceManifest(names, 'getambassador.io/v2').spec;
  assert.equal(selector['app.kubernetes.io/instance'], 'ambassador');
});

test('K6: no object has a label by which Argo CD would consider it part of an application', () => {
  for (const { metadata } of [secretOf(EDGE_NAMES), serviceManifest(EDGE_NAMES, 'getambassador.io/v2')])
    assert.ok(!('app.kubernetes.io/instance' in metadata.labels));
});

test('I1: the annotation not-after is the end of the path if an intermediate ends before the leaf', async () => {
  const root = await newRoot();
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const identity = verifyIdentity(material(await newLeaf(dying)), SERVICE, bundleOf(root), NOW);
  const { tlsCrt, tlsKey } = identity;

  const { secret } = secretManifests(SEED_NAMES, { identity, tlsCrt, tlsKey, caCrt: root.certPem });

  assert.equal(
    secret.metadata.annotations['ambassador-consul-connector/not-after'],
    '2030-01-15T13:00:00.000Z',
  );
});
