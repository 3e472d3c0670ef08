import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertWorks, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;

describe('write as seldom as possible', { concurrency: 7 }, () => {
  test('a rotation of the root is two writes: the bundle first, the leaf when it comes', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const [oldLeaf, oldKey] = [bed.entry('tls.crt'), bed.entry('tls.key')];
    const [oldRoot] = certificates(bed.entry('ca.crt'));
    await eventually(
      'both queries block',
      () => bed.consul.open('roots') === 1 && bed.consul.open('leaf') === 1,
    );

    await bed.consul.rotateRoot({ leafDelayMs: 4_000 });

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    assert.deepEqual([bed.entry('tls.crt'), bed.entry('tls.key')], [oldLeaf, oldKey]);
    await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
    await sleep(SETTLED_MS);
    const [newRoot, second] = certificates(bed.entry('ca.crt'));
    assert.equal(second?.fingerprint256, oldRoot?.fingerprint256);
    assertWorks(bed.entry('tls.crt'), String(newRoot));
    assert.equal(bed.cluster.writes('Secret'), 1 + 2);
    assert.equal(bed.cluster.writes('Service'), 1);
    assert.equal(await daemon.metric('writes_total', 'object="identity"'), 3);
    assert.equal(await daemon.metric('writes_total', 'object="identity"', 'reason="roots-changed"'), 1);
    assert.equal(await daemon.metric('writes_total', 'object="identity"', 'reason="inactive-root"'), 1);
  });

  test('a restart of the daemon writes nothing', async (t) => {
    const bed = await makeBed(t);
    const first = await bed.startReady();
    await first.stop();
    const writes = bed.cluster.writes();

    await bed.startReady();

    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes(), writes);
  });

  test("a restart of Consul's agent, which then has another leaf, writes nothing", async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const before = bed.consul.requests.length;

    await bed.consul.restart();

    const isAsked = () => bed.consul.requests.slice(before).some(({ target }) => target === 'leaf');
    await eventually('the new agent is asked', isAsked);
    await sleep(SETTLED_MS);
    const other = await bed.consul.leaf('ambassador');
    assert.notEqual(other.chainPem, bed.entry('tls.crt'));
    assert.equal(bed.cluster.writes('Secret'), 1);
    assert.equal((await daemon.get('/readyz')).status, 200);
  });

  test('a Consul with a new CA is published', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady();
    const before = bed.entry('tls.crt');

    await bed.consul.restart({ keepCa: false });

    await eventually('the new identity', () => bed.entry('tls.crt') !== before);
    assertWorks(bed.entry('tls.crt'), bed.consul.activeRoot.authority.certPem);
  });

  test('two daemons that start at once write the Secret once, and once for each change', async (t) => {
    const bed = await makeBed(t);

    const daemons = [bed.start(), bed.start()];
    await Promise.all(daemons.map((daemon) => daemon.ready()));

    await sleep(SETTLED_MS);
    assert.deepEqual([bed.cluster.writes('Secret'), bed.cluster.writes('Service')], [1, 1]);
    await bed.consul.rotateRoot({ leafDelayMs: 500 });
    await eventually('the new leaf', () => bed.cluster.writes('Secret') === 3);
    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes('Secret'), 3);
  });

  test('a renewal in time is one write', async (t) => {
    const bed = await makeBed(t, { consul: { leafTtlMs: 6_000 } });
    const daemon = await bed.startReady();
    const before = bed.entry('tls.crt');

    await eventually('the renewed leaf', () => bed.entry('tls.crt') !== before, 12_000);

    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes('Secret'), 2);
    assert.equal((await daemon.get('/readyz')).status, 200);
  });
});
