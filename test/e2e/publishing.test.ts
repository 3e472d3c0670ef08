import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { assertWorks, type Bed, certificates, makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { check } from './support/report.ts';

const ANNOTATION = 'getambassador.io/config';
const CA_SECRET = `${SECRET}-ca`;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;

const tlsContext = (bed: Bed): string => bed.service()?.metadata.annotations?.[ANNOTATION] ?? '';

describe('publishing', { concurrency: 4 }, () => {
  // A smoke test: `real/sidecar.test.ts` and `real/rotation.test.ts` prove it on real servers.
  test('8: with only the addresses set, Secret and Service are published; a rotation of the root is two writes: first the bundle, then the leaf', async (t) => {
    const bed = await makeBed(t);

    const daemon = await bed.startReady();

    assert.equal(bed.secret()?.type, 'kubernetes.io/tls');
    const published = assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
    assert.ok(published.checkPrivateKey(createPrivateKey(bed.entry('tls.key'))));
    assert.match(published.subjectAltName ?? '', /\/svc\/ambassador$/);
    assert.match(tlsContext(bed), /^name: ambassador-consul\n.*\nsecret: ambassador-consul-connect$/m);
    const [oldLeaf, oldKey] = [bed.entry('tls.crt'), bed.entry('tls.key')];
    const [oldRoot] = certificates(bed.entry('ca.crt'));
    await bed.queriesBlock();

    await bed.consul.rotateRoot({ leafDelayMs: 4_000 });

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    assert.deepEqual([bed.entry('tls.crt'), bed.entry('tls.key')], [oldLeaf, oldKey]);
    await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
    await sleep(SETTLED_MS);
    const [newRoot, second] = certificates(bed.entry('ca.crt'));
    assert.equal(second?.fingerprint256, oldRoot?.fingerprint256);
    assertWorks(bed.entry('tls.crt'), String(newRoot));
    assert.deepEqual([bed.cluster.writes('Secret'), bed.cluster.writes('Service')], [1 + 2, 1]);
    for (const reason of ['missing', 'roots-changed', 'inactive-root'])
      assert.equal(await daemon.metric('writes_total', 'object="identity"', `reason="${reason}"`), 1, reason);
    assert.equal(await daemon.metric('writes_total', 'object="service"'), 1);
  });

  test('the TLSContext names the namespace of a Secret in another namespace', async (t) => {
    const bed = await makeBed(t, { cluster: { namespaces: [NAMESPACE, 'gateways'] } });

    await bed.startReady({
      _AMBASSADOR_TLS_SECRET_NAMESPACE: 'gateways',
      _AMBASSADOR_TLS_SECRET_NAME: 'mesh',
    });

    assertWorks(bed.entry('tls.crt', 'mesh', 'gateways'), bed.entry('ca.crt', 'mesh', 'gateways'));
    assert.match(tlsContext(bed), /^secret: mesh\.gateways\nsecret_namespacing: true$/m);
  });

  test('E1: an annotation of v1, which crashes Emissary, is a warning of run and check, and the next start replaces it', async (t) => {
    const bed = await makeBed(t);
    const legacy = { _AMBASSADOR_API_VERSION: 'ambassador/v1' };
    const first = await bed.startReady(legacy);
    await first.line('the TLSContext apiVersion crashes Emissary-ingress');
    await first.stop();
    const report = await check(bed, legacy);

    await bed.startReady();

    const { status, detail, remedy } = report.row('configuration') ?? assert.fail();
    assert.equal(status, 'warn');
    assert.match(detail, /ambassador\/v1 crashes Emissary-ingress 2\.5\.1 and 3\.4 to 4\.1/);
    assert.match(remedy ?? '', /^unset _AMBASSADOR_API_VERSION/);
    assert.match(tlsContext(bed), /^apiVersion: getambassador\.io\/v2$/m);
  });

  test('upstream verification, enabled while Consul is down: the TLSContext names no missing Secret', async (t) => {
    const bed = await makeBed(t);
    await (await bed.startReady()).stop();
    await bed.consul.stop();
    const daemon = bed.start({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    await daemon.line('Consul query failed, retrying');
    await sleep(SETTLED_MS);
    assert.equal(parse(tlsContext(bed)).ca_secret, undefined);

    await bed.consul.start();

    await eventually('it is named', () => parse(tlsContext(bed)).ca_secret === CA_SECRET, 75_000);
    assert.ok(bed.secret(CA_SECRET));
  });
});
