import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { RootsJson } from '../../fixtures/consul/wire.ts';
import { activeRoot, certificatesOf, indexOf, isSignedBy, readLeaf, readRoots } from './reading.ts';
import { type ConsulServers, call, leafPath, ROOTS } from './servers.ts';

/** Consul spreads the requests for new leaves over this time. */
const LEAF_FOLLOWS_WITHIN = '60s';

/** Comes last: the other tests expect one root. The second rotation ends no leaf query of 1.8. */
export function declareRotation(servers: () => ConsulServers): void {
  const get = (path: string) => call(servers().open + path);
  const issuedBy = (pems: readonly string[] | null, root: X509Certificate) =>
    (pems ?? [])
      .map((pem) => new X509Certificate(pem))
      .filter((certificate) => certificate.checkIssued(root));

  /** Rotates while a query for the roots is open, and checks its answer. */
  async function rotate(crossSign: boolean): Promise<{ old: X509Certificate; roots: RootsJson }> {
    const before = await get(ROOTS);
    const old = activeRoot(readRoots(before));
    const open = get(`${ROOTS}?index=${indexOf(before)}&wait=60s`);

    await servers().rotate(crossSign);

    const answer = await open;
    assert.ok(indexOf(answer) > indexOf(before));
    const roots = readRoots(answer);
    assert.notEqual(roots.ActiveRootID, old.ID);
    assert.deepEqual(readRoots(await get(ROOTS)), roots);
    const ids = roots.Roots.map(({ ID }) => ID);
    assert.deepEqual(ids, [...ids].sort(), 'by ID, and not the active one first');
    const listed = roots.Roots.find(({ ID }) => ID === old.ID);
    assert.deepEqual([listed?.Active, listed?.RootCert], [false, old.RootCert]);
    return { old: new X509Certificate(old.RootCert), roots };
  }

  test('a rotation lists both roots, the new one cross-signed by the old one; the leaf follows later, with that certificate', async () => {
    const path = leafPath('follows');
    const first = await get(path);
    const following = get(`${path}?index=${indexOf(first)}&wait=${LEAF_FOLLOWS_WITHIN}`);

    const { old, roots } = await rotate(true);
    const active = activeRoot(roots);
    const root = new X509Certificate(active.RootCert);
    const [crossSigned, ...others] = issuedBy(active.IntermediateCerts, old);
    const meanwhile = readLeaf(await get(leafPath('new')));
    const answer = await following;

    assert.ok(crossSigned !== undefined && isSignedBy(crossSigned, old));
    assert.deepEqual(others, []);
    assert.ok(crossSigned.publicKey.equals(root.publicKey));
    for (const { CertPEM } of [meanwhile, readLeaf(answer)]) {
      const [leaf, ...chain] = certificatesOf(CertPEM);
      assert.ok(isSignedBy(leaf, root), 'the new root signed it');
      assert.deepEqual(
        chain.map(({ fingerprint256 }) => fingerprint256),
        [crossSigned.fingerprint256],
        'behind it is the cross-signed certificate, and not the root',
      );
    }
    assert.ok(indexOf(answer) > indexOf(first));
    assert.notEqual(readLeaf(answer).SerialNumber, readLeaf(first).SerialNumber);
    assert.equal((await get(path)).text, answer.text);
  });

  test('a rotation without cross-signing lists a new root without a path to another', async () => {
    const { old, roots } = await rotate(false);
    const active = activeRoot(roots);
    const [leaf] = certificatesOf(readLeaf(await get(leafPath('newest'))).CertPEM);
    assert.deepEqual(issuedBy(active.IntermediateCerts, old), []);
    assert.ok(isSignedBy(leaf, new X509Certificate(active.RootCert)));
    assert.ok(roots.Roots.length >= 3);
  });
}
