import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, type Shown, useWorld } from './world.ts';

/** Consul puts off the new leaf by up to 30 s, then signs it. */
const NEW_LEAF_WITHIN_MS = 45_000;

const world = useWorld({ persistent: true });

for (const crossSign of [true, false]) {
  test(`22: a CA rotation ${crossSign ? 'with' : 'without'} cross-signing is two writes: both roots within a second, then the new leaf`, async () => {
    // A fresh agent: the leaf queries of Consul 1.8 see the first rotation only, later ones when they end after ten
    // minutes (consul PR #15005).
    await world.consul.restart({ wipe: true });
    if (!crossSign) {
      await world.consul.rotateRoot();
      await world.consul.restart();
    }
    const daemon = startDaemon(await world.environment());
    try {
      const { TrustDomain } = await world.consul.roots();
      await eventually(
        'published',
        async () => {
          const secret = await world.show('secret', SECRET);
          return secret?.metadata.annotations['ambassador-consul-connector/trust-domain'] === TrustDomain;
        },
        10_000,
      );
      const before = await world.show('secret', SECRET);
      const writesBefore = (await world.writes('secrets', SECRET)).length;
      const recording = await world.record(SECRET);
      await eventually('the version from before', () => recording.versions.length === 1);

      await world.consul.rotateRoot({ crossSign });
      const [, bundle] = await eventually(
        'a second version',
        () => recording.versions.length > 1 && recording.versions,
        1_000,
      );
      const [, , leaf] = await eventually(
        'a third version',
        () => recording.versions.length > 2 && recording.versions,
        NEW_LEAF_WITHIN_MS,
      );
      await recording.stop();

      assert.equal(countOf(bundle, 'ca.crt'), countOf(before, 'ca.crt') + 1, 'first the new root is added');
      for (const key of ['tls.crt', 'tls.key']) assert.equal(bundle?.data[key], before?.data[key], key);
      assert.notEqual(leaf?.data['tls.crt'], before?.data['tls.crt'], 'then the leaf is replaced');
      const [tlsCrt, caCrt] = await Promise.all([
        world.read(SECRET, 'tls.crt'),
        world.read(SECRET, 'ca.crt'),
      ]);
      assert.equal(await verify(tlsCrt, caCrt), 'tls.crt: OK');
      assert.equal((await world.writes('secrets', SECRET)).length - writesBefore, 2, 'by the audit log');
      assert.equal(await daemon.metric('writes_total', 'reason="inactive-root"'), 1);
      assert.equal(await daemon.metric('writes_total', 'reason="roots-changed"'), 1);
      if (crossSign) {
        const [, ...oldRoots] = caCrt.split(/(?<=-----END CERTIFICATE-----\n)/);
        assert.equal(
          await verify(tlsCrt, oldRoots.join('')),
          'tls.crt: OK',
          'peers with the old roots alone verify it',
        );
      }
    } finally {
      await daemon.stop();
    }
  });
}

function countOf(secret: Shown | undefined, key: string): number {
  return (
    Buffer.from(secret?.data[key] ?? '', 'base64')
      .toString()
      .split('BEGIN CERTIFICATE').length - 1
  );
}
