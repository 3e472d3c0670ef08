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

const codes = (rows: readonly Row[]) => rows.map(({ status, code }) => [status, code]);

test('a good leaf passes both rows, which say for whom it is, until when, and by whom', () => {
  const [identity, chain] = judge(listing(listRoot(root)), material(leaf), NOW + 25 * HOUR);

  const until = new Date(NOW + LIFETIME).toISOString();
  assert.equal(identity.detail, `${leaf.uri}, until ${until} (75 % of its lifetime)`);
  assert.deepEqual([identity.status, chain.status], ['pass', 'pass']);
});

test('a leaf of a root that is no longer the active one is a WARN: it passes by itself', async () => {
  const [identity, chain] = judge(listing(listRoot(await newRoot()), listRoot(root)), material(leaf));

  assert.deepEqual([identity.status, chain.status], ['pass', 'warn']);
});

test('a leaf of a root that is not listed fails the chain, and not the identity', async () => {
  const rows = judge(listing(listRoot(await newRoot())), material(leaf));

  assert.deepEqual(codes(rows), [
    ['pass', undefined],
    ['fail', 'NO_CHAIN'],
  ]);
});

test('the leaf of another service fails the identity, and its chain means nothing', async () => {
  const rows = judge(listing(listRoot(root)), material(await newLeaf(root, { service: 'web' })));

  assert.deepEqual(codes(rows), [
    ['fail', 'WRONG_SERVICE'],
    ['skipped', undefined],
  ]);
});

test('an expired leaf fails the identity', () => {
  const rows = judge(listing(listRoot(root)), material(leaf), NOW + LIFETIME + HOUR);

  assert.deepEqual(codes(rows)[0], ['fail', 'EXPIRED']);
});

test('without a usable root the chain is the failure', async () => {
  const expired = await newRoot({ notAfter: new Date(NOW - HOUR) });

  assert.deepEqual(codes(judge(listing(listRoot(expired)), material(leaf))), [
    ['skipped', undefined],
    ['fail', 'NO_ROOT'],
  ]);
});

test('I1: a leaf is as good as the intermediate that ends first: until then it passes', async () => {
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });

  const [identity] = judge(listing(listRoot(root)), material(await newLeaf(dying)), NOW + HOUR / 2);

  assert.match(identity.detail ?? '', /until 2030-01-15T13:00:00\.000Z \(50 % of its lifetime\)$/);
});

test('I3: a leaf that name constraints exclude fails the chain, and not the identity', async () => {
  const excluding = await newRoot({ extensions: [nameConstraints({ permitted: ['other.consul'] })] });

  const rows = judge(listing(listRoot(excluding)), material(await newLeaf(excluding)));

  assert.deepEqual(codes(rows), [
    ['pass', undefined],
    ['fail', 'NAME_CONSTRAINTS'],
  ]);
});
