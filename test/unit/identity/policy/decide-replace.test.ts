import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../../src/identity/policy/decide.ts';
import type { Scope } from '../../../../src/identity/spiffe-id.ts';
import {
  bundleOf,
  bundleWith,
  carriedOut,
  decideOn,
  HOUR,
  LIFETIME,
  material,
  NOW,
  newLeaf,
  newRoot,
  pemsOf,
  publishedAs,
  SERVICE,
  TRUST_DOMAIN,
} from '../support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const intermediate = await root.issueIntermediate();
const fresh = await newLeaf(root);
const candidate = material(fresh);

test('where nothing is published the leaf is', () => {
  const decision = decideOn({ candidate, bundle });

  assert.deepEqual(carriedOut(decision), publishedAs(fresh, bundle));
  assert.deepEqual([decision.writesLeaf, decision.writesBundle], [true, true]);
  assert.match(decision.reason ?? '', /^missing: /);
  assert.equal(decision.violation, undefined);
});

const other = await newLeaf(root);
const deep = await newLeaf(intermediate);
const UNPUBLISHABLE = {
  'has the key of another certificate': { certificatePem: fresh.certPem, privateKeyPem: other.keyPem },
  'has lost its key': { certificatePem: other.certPem, privateKeyPem: '' },
  'has lost its certificate': { certificatePem: '', privateKeyPem: other.keyPem },
  'holds something else': { certificatePem: 'edited by hand', privateKeyPem: 'edited by hand' },
  'has expired': material(await newLeaf(root, { from: NOW - LIFETIME - 1_000 })),
  'is not valid yet': material(await newLeaf(root, { from: NOW + HOUR + 1_000 })),
  'is of a root that is not listed any more': material(await newLeaf(await newRoot())),
  'lacks its intermediate': { certificatePem: deep.certPem, privateKeyPem: deep.keyPem },
  'does not begin with its leaf': {
    certificatePem: intermediate.certPem + deep.certPem,
    privateKeyPem: deep.keyPem,
  },
  'is the certificate of a CA': { certificatePem: root.certPem, privateKeyPem: root.keyPem },
};

for (const [fault, broken] of Object.entries(UNPUBLISHABLE)) {
  test(`a published leaf that ${fault} is replaced`, () => {
    const published = { ...broken, caPem: bundle.pem };

    const decision = decideOn({ published, candidate, bundle });

    assert.deepEqual([decision.writesLeaf, decision.writesBundle], [true, false]);
    assert.match(decision.reason ?? '', /^invalid: /);
    assert.deepEqual(carriedOut(decision), publishedAs(fresh, bundle));
  });

  test(`a published leaf that ${fault} stays where Consul has nothing better`, () => {
    const decision = decideOn({ published: { ...broken, caPem: 'edited' }, bundle });

    assert.equal(decision.content, undefined);
    assert.equal(decision.violation?.reason, 'invalid');
  });
}

test('a published chain that lacks its intermediate is condemned, though Consul lists the intermediate', () => {
  const published = { certificatePem: deep.certPem, privateKeyPem: deep.keyPem, caPem: undefined };

  const decision = decideOn({ published, candidate: published, bundle: bundleWith(root, intermediate) });

  assert.match(decision.reason ?? '', /^invalid: /);
  assert.equal(decision.content?.tlsCrt, pemsOf(deep, intermediate).join(''));
});

for (const [what, identity] of [
  ['service', { service: 'web' }],
  ['trust domain', { trustDomain: 'other.consul' }],
] as const) {
  test(`a published leaf of another ${what} is replaced`, async () => {
    const published = publishedAs(await newLeaf(root, identity), bundle);

    const decision = decideOn({ published, candidate, bundle });

    assert.equal(decision.writesLeaf, true);
    assert.match(decision.reason ?? '', /^wrong-identity: /);
  });
}

const elsewhere = await newLeaf(root, { uris: [`spiffe://${TRUST_DOMAIN}/ns/team/dc/dc2/svc/${SERVICE}`] });
const TEAM: Scope = { partition: undefined, namespace: 'team', datacenter: undefined };

test('a published leaf of another namespace than is asked for now is replaced by one of that', () => {
  const published = publishedAs(fresh, bundle);

  const decision = decideOn({ published, candidate: material(elsewhere), scope: TEAM, bundle });

  assert.equal(decision.writesLeaf, true);
  assert.match(decision.reason ?? '', /^wrong-identity: .*\/ns\/default\/.*, asked for was namespace team$/);
  assert.equal(decision.violation, undefined);
});

test('it stays where Consul gives none of that namespace, and what it lacks is told', () => {
  const published = publishedAs(fresh, bundle);

  const decision = decideOn({ published, candidate, scope: TEAM, bundle });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.violation?.reason, 'wrong-identity');
});

for (const [what, scope] of [
  ['datacenter', { ...TEAM, namespace: undefined, datacenter: 'dc2' }],
  ['namespace', TEAM],
  ['partition', { partition: 'edge', namespace: undefined, datacenter: undefined }],
] as const) {
  test(`T2: a leaf of another ${what} than was asked for is not published, and the reason is told`, () => {
    const decision = decide({ published: undefined, candidate, service: SERVICE, bundle, at: NOW, scope });

    assert.equal(decision.kind, 'none');
    assert.equal(decision.rejected?.code, 'WRONG_SCOPE');
    assert.match(decision.rejected?.message ?? '', new RegExp(`, asked for was ${what} `));
    assert.match(decision.rejected?.remedy ?? '', /set _CONSUL_HOST to a server of the datacenter/);
  });
}

test('a leaf of another datacenter, as another agent may give it, is no reason to write where none was asked for', () => {
  const published = publishedAs(fresh, bundle);

  const decision = decideOn({ published, candidate: material(elsewhere), bundle });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.violation, undefined);
});

test('an ageing leaf is replaced by one with more of its life before it', async () => {
  const published = publishedAs(await newLeaf(root, { from: NOW - 71 * HOUR }), bundle);

  const decision = decideOn({ published, candidate, bundle });

  assert.deepEqual(carriedOut(decision), publishedAs(fresh, bundle));
  assert.equal(decision.reason, 'renewal-due: the published leaf has 29 % of its lifetime left');
});

for (const [age, hours, replaced] of [
  ['fresh', 15, true],
  ['no longer fresh', 16, false],
] as const) {
  test(`F7: an ageing leaf is ${replaced ? 'replaced' : 'kept'} where another is ${age}`, async () => {
    const published = publishedAs(await newLeaf(root, { from: NOW - 84 * HOUR }), bundle);
    const another = material(await newLeaf(root, { from: NOW - hours * HOUR }));

    assert.equal(decideOn({ published, candidate: another, bundle }).writesLeaf, replaced);
  });
}

test('F6: a published leaf that begins within the hour is of somebody whose clock is ahead, and stays', async () => {
  const published = publishedAs(await newLeaf(root, { from: NOW + HOUR }), bundle);

  const decision = decideOn({ published, candidate, bundle });

  assert.deepEqual([decision.writesLeaf, decision.violation], [false, undefined]);
});

test('an ageing leaf is not replaced by itself', async () => {
  const ageing = await newLeaf(root, { from: NOW - 71 * HOUR });

  const decision = decideOn({ published: publishedAs(ageing, bundle), candidate: material(ageing), bundle });

  assert.equal(decision.writesLeaf, false);
  assert.equal(decision.violation?.reason, 'renewal-due');
});

test('an ageing leaf is not replaced by one that lives no longer', async () => {
  const published = publishedAs(await newLeaf(root, { from: NOW - 71 * HOUR }), bundle);
  const shorter = material(await newLeaf(root, { from: NOW - HOUR, lasts: 30 * HOUR }));

  const decision = decideOn({ published, candidate: shorter, bundle });

  assert.equal(decision.writesLeaf, false);
});

const GAINS: readonly [number, boolean][] = [
  [9, false],
  [10, true],
];
for (const [hours, replaced] of GAINS) {
  const verb = replaced ? 'replaced' : 'kept';
  test(`F7: a leaf near its end is ${verb} where another ageing one gains ${hours} % of the lifetime`, async () => {
    const published = publishedAs(await newLeaf(root, { from: NOW - 86 * HOUR }), bundle);
    const ageing = material(await newLeaf(root, { from: NOW - (86 - hours) * HOUR }));

    const decision = decideOn({ published, candidate: ageing, bundle });

    assert.equal(decision.writesLeaf, replaced);
  });
}

test('a leaf about to expire is replaced by one that doubles what is left, however little that is', async () => {
  const published = publishedAs(await newLeaf(root, { from: NOW - 99 * HOUR }), bundle);
  const little = material(await newLeaf(root, { from: NOW - 98 * HOUR }));

  const decision = decideOn({ published, candidate: little, bundle });

  assert.equal(decision.writesLeaf, true);
  assert.equal(decision.violation?.reason, 'renewal-due');
});
