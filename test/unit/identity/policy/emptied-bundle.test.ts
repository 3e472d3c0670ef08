import assert from 'node:assert/strict';
import { test } from 'node:test';
import { before, oldLeaf } from '../rotation.ts';
import { decideOn, material, NOW, publishedAs, SECOND } from '../support.ts';

test('D4: a ca.crt that was emptied is restored at once, and that is a repair', () => {
  const published = { ...publishedAs(oldLeaf, before), caPem: '', upstreamCaPem: undefined };

  const decision = decideOn({
    published,
    candidate: material(oldLeaf),
    bundle: before,
    confirmAfter: NOW + SECOND,
  });

  assert.equal(decision.writesBundle, true);
  assert.match(decision.reason ?? '', /^repair: /);
});
