import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { assertWorks, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

/** More certificates than are read, and by far fewer than fit into a Secret. */
const MANY = 310;

test('I6: a leaf is renewed with the bundle of before while Consul lists more roots than are read, and the reason is shown', async (t) => {
  const bed = await makeBed(t, { consul: { leafTtlMs: 20_000 } });
  const daemon = await bed.startReady();
  const [leaf, bundle] = [bed.entry('tls.crt'), bed.entry('ca.crt')];
  const { trustDomain } = bed.consul;
  const others = await Promise.all(Array.from({ length: MANY }, () => createRoot({ trustDomain })));
  bed.consul.listInactiveRoots(others);

  const { remedy } = await daemon.line(({ error }) =>
    /it lists 311 roots, and at most 300 are read/.test(String(error)),
  );
  await eventually('the leaf is renewed', () => bed.entry('tls.crt') !== leaf, 30_000);

  assert.match(String(remedy), /./);
  assert.equal(bed.entry('ca.crt'), bundle);
  assertWorks(bed.entry('tls.crt'), bed.consul.activeRoot.authority.certPem);
  const { text } = await daemon.get('/readyz');
  assert.match(text, /roots: .* lists 311 roots/);
});
