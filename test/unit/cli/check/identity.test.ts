import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityRows } from '../../../../src/cli/check/identity.ts';
import type { Row } from '../../../../src/cli/check/result.ts';
import type { CertificateAndKey } from '../../../../src/identity/identity.ts';
import type { ListedRoots } from '../../../../src/identity/trust-bundle.ts';
import { nameConstraints } from '../../../fixtures/certificates/factory.ts';
import {
  HOUR,
  LIFETIME,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  SERVICE,
} from '../../identity/support.ts';

const ANYWHERE = { partition: undefined, namespace: undefined, datacenter: undefined };
const root = await newRoot();
const leaf = await newLeaf(root);

function judge(roots: ListedRoots, offered: CertificateAndKey, at = NOW): [Row, Row] {
  const [identity, chain] = [
    { check: 'identity', what: 'identity' },
    { check: 'chain', what: 'chain' },
  ];
  return identityRows(identity, chain, roots, offered, { service: SERVICE, scope: ANYWHERE }, at);
}

test('a good leaf passes both rows, which say for whom it is, until when, and by whom', () => {
  const [identity, chain] = judge(listing(listRoot(root)), material(leaf), NOW + 25 * HOUR);
  const until = new Date(NOW + LIFETIME).toISOString();
  assert.equal(identity.detail, `${leaf.uri}, until ${until} (75 % of its lifetime)`);
  assert.deepEqual([identity.status, chain.status], ['pass', 'pass']);
});

const other = await newRoot();
const expired = await newRoot({ notAfter: new Date(NOW - HOUR) });
const excluding = await newRoot({ extensions: [nameConstraints({ permitted: ['other.consul'] })] });
const OK = ['pass', undefined];

for (const [what, roots, offered, at, rows] of [
  ['a leaf of an inactive root is a WARN', [other, root], leaf, NOW, [OK, ['warn', undefined]]],
  ['a leaf of a root that is not listed fails the chain', [other], leaf, NOW, [OK, ['fail', 'NO_CHAIN']]],
  [
    'I3: a leaf that name constraints exclude fails the chain',
    [excluding],
    await newLeaf(excluding),
    NOW,
    [OK, ['fail', 'NAME_CONSTRAINTS']],
  ],
  [
    'the leaf of another service fails the identity, and its chain means nothing',
    [root],
    await newLeaf(root, { service: 'web' }),
    NOW,
    [
      ['fail', 'WRONG_SERVICE'],
      ['skipped', undefined],
    ],
  ],
  [
    'an expired leaf fails the identity',
    [root],
    leaf,
    NOW + LIFETIME + HOUR,
    [
      ['fail', 'EXPIRED'],
      ['skipped', undefined],
    ],
  ],
  [
    'without a usable root the chain fails',
    [expired],
    leaf,
    NOW,
    [
      ['skipped', undefined],
      ['fail', 'NO_ROOT'],
    ],
  ],
] as const) {
  test(what, () => {
    const [active, ...others] = roots.map((one) => listRoot(one));
    assert.ok(active);
    const found = judge(listing(active, ...others), material(offered), at);
    assert.deepEqual(
      found.map(({ status, code }) => [status, code]),
      rows,
    );
  });
}

test('I1: a leaf is as good as the intermediate that ends first: until then it passes', async () => {
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const [identity] = judge(listing(listRoot(root)), material(await newLeaf(dying)), NOW + HOUR / 2);
  assert.match(identity.detail ?? '', /until 2030-01-15T13:00:00\.000Z \(50 % of its lifetime\)$/);
});
