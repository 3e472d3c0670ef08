import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outOfScope, type Scope, spiffeIdOf } from '../../../src/identity/spiffe-id.ts';
import { certificateOf, newLeaf, newRoot, refusal, TRUST_DOMAIN } from './support.ts';

const root = await newRoot();
const PREFIX = `spiffe://${TRUST_DOMAIN}/ns/default/dc/dc1/svc`;

async function spiffeIdFrom(...uris: readonly string[]) {
  return spiffeIdOf(certificateOf(await newLeaf(root, { uris })));
}

test('the SPIFFE ID says trust domain, namespace, datacenter and service', async () => {
  const id = await spiffeIdFrom(`${PREFIX}/ambassador`);

  assert.deepEqual(id, {
    uri: `${PREFIX}/ambassador`,
    trustDomain: TRUST_DOMAIN,
    partition: 'default',
    namespace: 'default',
    datacenter: 'dc1',
    service: 'ambassador',
  });
});

test('the SPIFFE ID of an admin partition is understood', async () => {
  const id = await spiffeIdFrom(`spiffe://${TRUST_DOMAIN}/ap/edge/ns/default/dc/dc1/svc/ambassador`);

  assert.equal(id.service, 'ambassador');
  assert.equal(id.partition, 'edge');
});

const ANYWHERE: Scope = { partition: undefined, namespace: undefined, datacenter: undefined };

for (const [what, scope, missed] of [
  ['what was left to Consul', {}, undefined],
  [
    'its own names, whatever their case',
    { partition: 'Default', namespace: 'team', datacenter: 'DC1' },
    undefined,
  ],
  ['another namespace', { namespace: 'default' }, 'namespace default'],
  ['another partition', { partition: 'edge' }, 'partition edge'],
  ['another datacenter', { namespace: 'team', datacenter: 'dc2' }, 'datacenter dc2'],
] as const) {
  test(`a SPIFFE ID beside ${what}: ${missed === undefined ? 'is of it' : `is not of ${missed}`}`, async () => {
    const id = await spiffeIdFrom(`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc1/svc/ambassador`);

    assert.equal(outOfScope(id, { ...ANYWHERE, ...scope }), missed);
  });
}

test('the trust domain is compared in lower case', async () => {
  const id = await spiffeIdFrom('spiffe://ABC.Consul/ns/default/dc/dc1/svc/Web');

  assert.equal(id.trustDomain, 'abc.consul');
  assert.equal(id.service, 'Web');
});

for (const service of ['a b', 'ä', 'x/y', '50%']) {
  test(`the service ${JSON.stringify(service)} is decoded`, async () => {
    const id = await spiffeIdFrom(`${PREFIX}/${encodeURIComponent(service)}`);

    assert.equal(id.service, service);
  });
}

test('a percent sign that encodes nothing is taken as it is', async () => {
  const id = await spiffeIdFrom(`${PREFIX}/50%`);

  assert.equal(id.service, '50%');
});

const NOT_ONE_SERVICE: readonly [string, readonly string[]][] = [
  ['no URI', []],
  ['two URIs', [`${PREFIX}/ambassador`, `${PREFIX}/other`]],
  ['the same URI twice', [`${PREFIX}/ambassador`, `${PREFIX}/ambassador`]],
  ['the URI of a CA', [`spiffe://${TRUST_DOMAIN}`]],
  ['the URI of an agent', [`spiffe://${TRUST_DOMAIN}/agent/client/dc/dc1/id/node-1`]],
  ['a URI of another scheme', [`https://${TRUST_DOMAIN}/ns/default/dc/dc1/svc/ambassador`]],
  ['a URI with something after the service', [`${PREFIX}/ambassador/x`]],
  ['a URI without a service', [`${PREFIX}/`]],
];

for (const [what, uris] of NOT_ONE_SERVICE) {
  test(`a leaf with ${what} speaks for no service`, async () => {
    const leaf = certificateOf(await newLeaf(root, { uris }));

    assert.throws(() => spiffeIdOf(leaf), refusal('NO_SPIFFE_ID'));
  });
}
