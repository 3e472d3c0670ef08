import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityFault } from '../../../src/errors.ts';
import { verifyIdentity, verifyServed } from '../../../src/identity/identity.ts';
import {
  basicConstraints,
  extendedKeyUsage,
  type IssuedLeaf,
  keyUsage,
  unknownExtension,
} from '../../fixtures/certificates/factory.ts';
import { refusalOf } from './openssl.ts';
import { bundleOf, material, NOW, newLeaf, newRoot, refusal, SERVICE } from './support.ts';

// Found by the property tests: signed and within their validity, but rejected by peers that use OpenSSL.

const serversOnly = [extendedKeyUsage('serverAuth')];
const critical = [unknownExtension({ critical: true })];
const encipherOnly = [keyUsage('keyEncipherment')];
const noCa = [basicConstraints(false), keyUsage('keyCertSign')];
const root = await newRoot();
const servingRoot = await newRoot({ extensions: serversOnly });
const criticalRoot = await newRoot({ extensions: critical });
const rootThatIsNoCa = await newRoot({ extensions: noCa });
const serving = await root.issueIntermediate({ extensions: serversOnly });
const criticalMiddle = await root.issueIntermediate({ extensions: critical });
const bundle = bundleOf(root, servingRoot, criticalRoot, rootThatIsNoCa);

const CASES: readonly [string, IdentityFault, IssuedLeaf][] = [
  ['a root for servers only', 'NO_CHAIN', await newLeaf(servingRoot)],
  ['an intermediate for servers only', 'NO_CHAIN', await newLeaf(serving)],
  ['a root with an unknown critical extension', 'NO_CHAIN', await newLeaf(criticalRoot)],
  ['an intermediate with an unknown critical extension', 'NO_CHAIN', await newLeaf(criticalMiddle)],
  ['a root that is no CA', 'NO_CHAIN', await newLeaf(rootThatIsNoCa)],
  ['an unknown critical extension', 'NO_CLIENT_AUTH', await newLeaf(root, { extensions: critical })],
  ['a key that may only encipher', 'NO_CLIENT_AUTH', await newLeaf(root, { extensions: encipherOnly })],
];

for (const [what, code, leaf] of CASES) {
  test(`a leaf with ${what} is rejected, as by openssl`, async () => {
    assert.ok(await refusalOf(leaf.chainPem, bundle.pem, NOW));
    assert.throws(() => verifyIdentity(material(leaf), SERVICE, bundle, NOW), refusal(code));
  });
}

test('a leaf is rejected at its notAfter, as by openssl', async () => {
  const leaf = await newLeaf(root);
  const end = leaf.notAfter.getTime();
  assert.equal(await refusalOf(leaf.certPem, root.certPem, end - 1), undefined);
  assert.ok(await refusalOf(leaf.certPem, root.certPem, end));
  assert.ok(verifyIdentity(material(leaf), SERVICE, bundle, end - 1));
  assert.throws(() => verifyIdentity(material(leaf), SERVICE, bundle, end), refusal('EXPIRED'));
});

const signed = await newRoot({ name: 'signed' });
const leafOfSigned = await newLeaf(signed);
const right = root.crossSign(signed);
const astray = (await newRoot({ name: 'stranger' })).crossSign(signed);
const signsNothing = await newLeaf(root, { keys: signed.keys, service: 'signed', keyIdentifiers: false });

for (const [what, above, works] of [
  ['behind one by an unknown root', [astray, right], false],
  ['before one by an unknown root', [right, astray], true],
  ['behind one with the name of its issuer that may not sign', [signsNothing, right], false],
] as const) {
  test(`a published leaf with the right certificate ${what} is ${works ? 'valid' : 'invalid'}, as for openssl`, async () => {
    const certificatePem = [leafOfSigned, ...above].map(({ certPem }) => certPem).join('');
    const verify = () => verifyServed({ ...material(leafOfSigned), certificatePem }, SERVICE, bundle, NOW);
    assert.equal((await refusalOf(certificatePem, root.certPem, NOW)) === undefined, works);
    if (works) verify();
    else assert.throws(verify, refusal('NO_CHAIN'));
  });
}
