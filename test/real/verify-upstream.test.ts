import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

const CA_SECRET = `${SECRET}-ca`;
/** Consul puts off the new leaf by up to 30 s, then signs it; a loaded machine takes its time as well. */
const NEW_LEAF_WITHIN_MS = 55_000;

const world = useWorld({ persistent: true }, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/verify-upstream`]);
});

for (const [how, crossSign, versions] of [
  ['with cross-signing writes each Secret once: the roots wait for the new leaf', true, [1, 1]],
  ['without cross-signing writes the roots at once, and the leaf when it comes', false, [1, 2]],
] as const) {
  test(`upstream verification: a rotation ${how}`, async (t) => {
    await world.consul.restart({ wipe: true });
    if (!crossSign) {
      await world.consul.rotateRoot();
      await world.consul.restart();
    }
    const daemon = startDaemon({ ...(await world.environment()), _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    try {
      await daemon.ready(30_000);
      const { TrustDomain } = await world.consul.roots();
      await eventually(
        'published for this Consul',
        async () =>
          (await world.show('secret', CA_SECRET))?.metadata.annotations[
            'ambassador-consul-connector/trust-domain'
          ] === TrustDomain,
        30_000,
      );
      const service = await world.show('service', SERVICE);
      const annotation = service?.metadata.annotations['getambassador.io/config'] ?? '';
      assert.match(annotation, new RegExp(`^ca_secret: ${CA_SECRET}$`, 'm'));
      const [caRecording, recording] = await Promise.all([world.record(CA_SECRET), world.record(SECRET)]);
      t.after(() => Promise.all([caRecording.stop(), recording.stop()]));
      await eventually(
        'the versions from before',
        () => caRecording.versions.length === 1 && recording.versions.length === 1,
        5_000,
      );
      const before = await world.read(SECRET, 'tls.crt');

      await world.consul.rotateRoot({ crossSign });
      if (!crossSign) {
        await eventually('the roots', () => caRecording.versions.length === 2, 2_000);
        assert.equal(await world.read(SECRET, 'tls.crt'), before, 'the leaf is the old one still');
      }
      await eventually(
        'the new leaf',
        async () => (await world.read(SECRET, 'tls.crt')) !== before,
        NEW_LEAF_WITHIN_MS,
      );
      await eventually(
        'both versions',
        () => recording.versions.length > versions[1] && caRecording.versions.length > versions[0],
        5_000,
      );
      assert.deepEqual([caRecording.versions.length - 1, recording.versions.length - 1], versions);
      const roots = await world.read(CA_SECRET, 'tls.crt');
      assert.equal(await world.read(SECRET, 'ca.crt'), roots);
      assert.equal(await verify(await world.read(SECRET, 'tls.crt'), roots), 'tls.crt: OK');
    } finally {
      await daemon.stop();
    }
  });
}
