import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityErrorOr } from '../../../src/errors.ts';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import { type Authority, nameConstraints } from '../../fixtures/certificates/factory.ts';
import { refusalOf } from './openssl.ts';
import { bundleOf, material, NOW, newLeaf, newRoot, SERVICE, TRUST_DOMAIN } from './support.ts';

const root = await newRoot();

type Names = Parameters<typeof nameConstraints>[0];

async function judge(ca: Authority): Promise<{ error: unknown; openssl: string | undefined }> {
  const leaf = await newLeaf(ca);
  const bundle = bundleOf(root, ca.chainPem === '' ? ca : root);
  return {
    error: identityErrorOr(() => verifyIdentity(material(leaf), SERVICE, bundle, NOW)),
    openssl: await refusalOf(leaf.chainPem, bundle.pem, NOW),
  };
}

const EXCLUDING: Readonly<Record<string, Names>> = {
  'that exclude the trust domain': { excluded: [TRUST_DOMAIN] },
  'that exclude the trust domain in capitals': { excluded: [TRUST_DOMAIN.toUpperCase()] },
  'that exclude all below .consul': { excluded: ['.consul'] },
  'that permit another host only': { permitted: ['other.consul'] },
  'that permit the host consul only, without a dot': { permitted: ['consul'] },
  'that permit it and exclude it': { permitted: ['.consul'], excluded: [TRUST_DOMAIN] },
};

for (const [what, names] of Object.entries(EXCLUDING)) {
  for (const kind of ['root', 'intermediate'] as const) {
    test(`I3: a leaf of ${kind === 'root' ? 'a root' : 'an intermediate'} with name constraints ${what} is refused, as by openssl`, async () => {
      const extensions = [nameConstraints(names)];
      const ca = await (kind === 'root' ? newRoot({ extensions }) : root.issueIntermediate({ extensions }));

      const { error, openssl } = await judge(ca);

      assert.match(openssl ?? '', /subtree violation/);
      assert.ok(error instanceof Error && 'code' in error);
      assert.equal(error.code, 'NAME_CONSTRAINTS');
      assert.match(error.message, /the name constraints of the CA .* exclude spiffe:/);
    });
  }
}

const PERMITTING: Readonly<Record<string, Names>> = {
  'that permit the trust domain': { permitted: [TRUST_DOMAIN] },
  'that permit all below .consul': { permitted: ['other.example', '.consul'] },
  'that exclude another host': { excluded: ['other.consul'] },
  'that are about no URI': {},
};

for (const [what, names] of Object.entries(PERMITTING)) {
  test(`I3: a leaf of a root with name constraints ${what} is taken, as by openssl`, async () => {
    const { error, openssl } = await judge(await newRoot({ extensions: [nameConstraints(names)] }));

    assert.equal(openssl, undefined);
    assert.ok(!(error instanceof Error), String(error));
  });
}

test('I3: an excluded host excludes all below it, as with Go, which openssl does not see', async () => {
  const { error, openssl } = await judge(
    await newRoot({ extensions: [nameConstraints({ excluded: ['consul'] })] }),
  );

  assert.equal(openssl, undefined);
  assert.ok(error instanceof Error && 'code' in error);
  assert.equal(error.code, 'NAME_CONSTRAINTS');
});
