import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { readKeyPair } from '../../../src/lib/key-pair.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';

const never = new AbortController().signal;

test('a certificate with the key of another one is read again until its key is there', async () => {
  const root = await createRoot();
  const [first, second] = await Promise.all(['a', 'b'].map((service) => root.issueLeaf({ service })));
  const keys = [first?.keyPem, 'half of a k', second?.keyPem];
  const read = async () => ({ cert: second?.chainPem, key: keys.shift() });
  assert.deepEqual(await readKeyPair(read, systemClock, never), {
    cert: second?.chainPem,
    key: second?.keyPem,
  });
});

test('a pair that never matches is returned after half a second, and one without a key at once', async () => {
  let reads = 0;
  const read = (key: string | undefined) => async () => {
    reads += 1;
    return { cert: 'no certificate', key };
  };

  await readKeyPair(read(undefined), systemClock, never);
  assert.equal(reads, 1);
  await readKeyPair(read('no key'), systemClock, never);
  assert.equal(reads, 7);
});
