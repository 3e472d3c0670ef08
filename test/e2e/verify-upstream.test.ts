import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { assertWorks, type Bed, certificates, makeBed, SECRET } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const CA_SECRET = `${SECRET}-ca`;
const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;

function tlsContext(bed: Bed): Record<string, unknown> {
  return parse(bed.service()?.metadata.annotations?.['getambassador.io/config'] ?? '');
}

async function queriesBlock(bed: Bed): Promise<void> {
  await eventually(
    'both queries block',
    () => bed.consul.open('roots') === 1 && bed.consul.open('leaf') === 1,
  );
}

describe('upstream verification', { concurrency: 6 }, () => {
  test('the roots are in a Secret of their own, which the TLSContext names', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady(VERIFYING);

    assert.equal(bed.secret(CA_SECRET)?.type, 'Opaque');
    assert.deepEqual(Object.keys(bed.secret(CA_SECRET)?.data ?? {}), ['tls.crt']);
    assert.equal(bed.entry('tls.crt', CA_SECRET), bed.entry('ca.crt'));
    assert.equal(tlsContext(bed)['ca_secret'], CA_SECRET);
  });

  test('a cross-signed root waits for the new leaf: each Secret is written once', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady(VERIFYING);
    await queriesBlock(bed);
    const before = bed.entry('tls.crt', CA_SECRET);
    const writes = bed.cluster.writes('Secret');

    await bed.consul.rotateRoot({ leafDelayMs: 3_000 });

    await daemon.line(
      'deferred the new trust bundle until the new leaf, because the new root is cross-signed',
    );
    assert.equal(bed.entry('tls.crt', CA_SECRET), before);
    assert.equal(bed.entry('ca.crt'), before);
    await eventually('both roots', () => certificates(bed.entry('tls.crt', CA_SECRET)).length === 2);
    await eventually('in both Secrets', () => bed.entry('ca.crt') === bed.entry('tls.crt', CA_SECRET));
    await sleep(SETTLED_MS);
    const [newRoot] = certificates(bed.entry('ca.crt'));
    assertWorks(bed.entry('tls.crt'), String(newRoot));
    assert.equal(bed.cluster.writes('Secret') - writes, 2);
  });

  test('a root that is not cross-signed is written at once, before the new leaf', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady(VERIFYING);
    await queriesBlock(bed);
    const leaf = bed.entry('tls.crt');

    await bed.consul.rotateRoot({ crossSign: false, leafDelayMs: 600_000 });

    await eventually('both roots', () => certificates(bed.entry('tls.crt', CA_SECRET)).length === 2);
    assert.equal(bed.entry('tls.crt'), leaf);
  });

  test('the Secret of the roots is put right when it is deleted or edited, and the other is left alone', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady(VERIFYING);
    await eventually('both Secrets are watched', () => bed.cluster.watches.count('secrets') === 2);
    const [roots, before] = [bed.entry('tls.crt', CA_SECRET), bed.secret()?.metadata.resourceVersion];

    bed.cluster.edit('Secret', 'ambassador', CA_SECRET, (secret) => {
      secret.data = { 'tls.crt': 'eA==' };
    });
    await eventually('put right', () => bed.entry('tls.crt', CA_SECRET) === roots);
    bed.cluster.remove('Secret', 'ambassador', CA_SECRET);
    await eventually('written anew', () => bed.entry('tls.crt', CA_SECRET) === roots);

    assert.equal(bed.secret()?.metadata.resourceVersion, before);
  });

  test('a renewal leaves the Secret of the roots as it is', async (t) => {
    const bed = await makeBed(t, { consul: { leafTtlMs: 4_000 } });
    await bed.startReady(VERIFYING);
    const [leaf, before] = [bed.entry('tls.crt'), bed.secret(CA_SECRET)?.metadata.resourceVersion];

    await eventually('renewed', () => bed.entry('tls.crt') !== leaf);

    assert.equal(bed.secret(CA_SECRET)?.metadata.resourceVersion, before);
  });

  test('switched on while Consul is away, the gateway is not told of a Secret that is not there', async (t) => {
    const bed = await makeBed(t);
    await (await bed.startReady()).stop();
    await bed.consul.stop();
    const daemon = bed.start(VERIFYING);
    await daemon.line('Consul query failed, retrying');
    await sleep(SETTLED_MS);
    assert.equal(tlsContext(bed)['ca_secret'], undefined);

    await bed.consul.start();

    await eventually('told', () => tlsContext(bed)['ca_secret'] === CA_SECRET, 75_000);
    assert.ok(bed.secret(CA_SECRET));
  });
});
