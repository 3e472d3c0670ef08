import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import { bundleOf, material, NOW, newLeaf, newRoot, refusal, SERVICE } from './support.ts';

test('I2: a leaf with a weak key is refused, though its root is strong', async () => {
  const root = await newRoot();
  const weak = material(await newLeaf(root, { keyType: 'rsa-1024' }));

  assert.throws(() => verifyIdentity(weak, SERVICE, bundleOf(root), NOW), refusal('WEAK_CERTIFICATE'));
});
