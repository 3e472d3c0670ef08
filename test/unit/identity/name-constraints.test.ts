import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdentityError, identityErrorOr } from '../../../src/errors.ts';
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

const WITH: Readonly<
  Record<string, readonly [Names, 'accepted' | 'refused' | 'refused, unlike by openssl']>
> = {
  'that exclude the trust domain': [{ excluded: [TRUST_DOMAIN] }, 'refused'],
  'that exclude the trust domain in capitals': [{ excluded: [TRUST_DOMAIN.toUpperCase()] }, 'refused'],
  'that exclude all below .consul': [{ excluded: ['.consul'] }, 'refused'],
  'that permit another host only': [{ permitted: ['other.consul'] }, 'refused'],
  'that permit the host consul only, without a dot': [{ permitted: ['consul'] }, 'refused'],
  'that permit it and exclude it': [{ permitted: ['.consul'], excluded: [TRUST_DOMAIN] }, 'refused'],
  'that permit the trust domain': [{ permitted: [TRUST_DOMAIN] }, 'accepted'],
  'that permit all below .consul': [{ permitted: ['other.example', '.consul'] }, 'accepted'],
  'that exclude another host': [{ excluded: ['other.consul'] }, 'accepted'],
  'without URIs': [{}, 'accepted'],
  // As in Go: an excluded host excludes all below it.
  'that exclude the host above it': [{ excluded: ['consul'] }, 'refused, unlike by openssl'],
};

for (const [what, [names, verdict]] of Object.entries(WITH)) {
  for (const kind of ['a root', 'an intermediate'] as const) {
    test(`I3: a leaf of ${kind} with name constraints ${what} is ${verdict}`, async () => {
      const extensions = [nameConstraints(names)];

      const { error, openssl } = await judge(
        await (kind === 'a root' ? newRoot({ extensions }) : root.issueIntermediate({ extensions })),
      );

      if (verdict === 'refused') assert.match(openssl ?? '', /subtree violation/);
      else assert.equal(openssl, undefined);
      if (verdict === 'accepted') return assert.ok(!(error instanceof IdentityError), String(error));
      assert.ok(error instanceof IdentityError);
      assert.equal(error.code, 'NAME_CONSTRAINTS');
      assert.match(error.message, /the name constraints of the CA .* exclude spiffe:/);
    });
  }
}
