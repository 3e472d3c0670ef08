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

test('a good leaf passes both rows, which show its identity and its validity', () => {
  const [identity, chain] = judge(listing(listRoot(root)), material(leaf), NOW + 25 * HOUR);
  const until = new Date(NOW + LIFETIME).toISOString();
  assert.equal(identity.detail, `${leaf.uri}, until ${until} (75 % of its lifetime)`);
  assert.deepEqual([identity.status, chain.status], ['pass', 'pass']);
});

const other = await newRoot();
const expired = await newRoot({ notAfter: new Date(NOW - HOUR) });
const excluding = await newRoot({ extensions: [nameConstraints({ permitted: ['other.consul'] })] });

for (const [what, roots, offered, found] of [
  ['a leaf of an inactive root is a WARN', [other, root], leaf, 'pass, warn'],
  ['a leaf of a root that is not listed fails the chain', [other], leaf, 'pass, fail NO_CHAIN'],
  [
    'I3: a leaf that name constraints exclude fails the chain',
    [excluding],
    await newLeaf(excluding),
    'pass, fail NAME_CONSTRAINTS',
  ],
  [
    'the leaf of another service fails the identity, and its chain is skipped',
    [root],
    await newLeaf(root, { service: 'web' }),
    'fail WRONG_SERVICE, skipped',
  ],
  ['without a usable root the chain fails', [expired], leaf, 'skipped, fail NO_ROOT'],
] as const) {
  test(what, () => {
    const [active, ...others] = roots.map((one) => listRoot(one));
    assert.ok(active);
    const rows = judge(listing(active, ...others), material(offered));
    assert.equal(rows.map(({ status, code }) => [status, code].join(' ').trim()).join(', '), found);
  });
}

test('I1: the validity of a leaf ends with the intermediate that ends first', async () => {
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const [identity] = judge(listing(listRoot(root)), material(await newLeaf(dying)), NOW + HOUR / 2);
  assert.match(identity.detail ?? '', /until 2030-01-15T13:00:00\.000Z \(50 % of its lifetime\)$/);
});
