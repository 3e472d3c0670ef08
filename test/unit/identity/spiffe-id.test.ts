import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANYWHERE, outOfScope, spiffeIdOf } from '../../../src/identity/spiffe-id.ts';
import { certificateOf, newLeaf, newRoot, refusal, TRUST_DOMAIN } from './support.ts';

const root = await newRoot();
const PREFIX = `spiffe://${TRUST_DOMAIN}/ns/default/dc/dc1/svc`;

async function spiffeIdFrom(...uris: readonly string[]) {
  return spiffeIdOf(certificateOf(await newLeaf(root, { uris })));
}

for (const [what, uri, expected] of [
  ['trust domain, namespace, datacenter and service', `${PREFIX}/ambassador`, {}],
  [
    'an admin partition',
    `spiffe://${TRUST_DOMAIN}/ap/edge/ns/default/dc/dc1/svc/ambassador`,
    { partition: 'edge' },
  ],
  [
    'a trust domain in lower case, and an unchanged service',
    'spiffe://ABC.Consul/ns/default/dc/dc1/svc/Web',
    { trustDomain: 'abc.consul', service: 'Web' },
  ],
  ['a service with a space, decoded', `${PREFIX}/a%20b`, { service: 'a b' }],
  ['a service with an umlaut, decoded', `${PREFIX}/%C3%A4`, { service: 'ä' }],
  ['a service with a slash, decoded', `${PREFIX}/x%2Fy`, { service: 'x/y' }],
  ['a service with a percent sign, decoded', `${PREFIX}/50%25`, { service: '50%' }],
  ['a percent sign without digits, unchanged', `${PREFIX}/50%`, { service: '50%' }],
] as const) {
  test(`a SPIFFE ID has ${what}`, async () => {
    assert.deepEqual(await spiffeIdFrom(uri), {
      uri,
      trustDomain: TRUST_DOMAIN,
      partition: 'default',
      namespace: 'default',
      datacenter: 'dc1',
      service: 'ambassador',
      ...expected,
    });
  });
}

for (const [what, scope, missed] of [
  ['no configured scope', {}, undefined],
  [
    'its own names, whatever their case',
    { partition: 'Default', namespace: 'team', datacenter: 'DC1' },
    undefined,
  ],
  ['another namespace', { namespace: 'default' }, 'namespace default'],
  ['another partition', { partition: 'edge' }, 'partition edge'],
  ['another datacenter', { namespace: 'team', datacenter: 'dc2' }, 'datacenter dc2'],
] as const) {
  test(`a SPIFFE ID ${missed === undefined ? 'is' : 'is not'} in the scope of ${what}`, async () => {
    const id = await spiffeIdFrom(`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc1/svc/ambassador`);
    assert.equal(outOfScope(id, { ...ANYWHERE, ...scope }), missed);
  });
}

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
  test(`a leaf with ${what} has no SPIFFE ID of a service`, async () => {
    await assert.rejects(spiffeIdFrom(...uris), refusal('NO_SPIFFE_ID'));
  });
}
