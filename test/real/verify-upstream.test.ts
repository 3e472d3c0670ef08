import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { CA_SECRET, CONFIG, SECRET, SERVICE, useWorld } from './world.ts';

const world = useWorld({ persistent: true }, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/verify-upstream`]);
});

for (const [how, crossSign, caVersions, versions] of [
  ['with cross-signing writes each Secret once: the roots wait for the new leaf', true, 1, 1],
  ['without cross-signing writes the roots at once, and the leaf when it comes', false, 1, 2],
] as const) {
  test(`upstream verification: a rotation ${how}`, async (t) => {
    await world.consul.restart({ wipe: true });
    if (!crossSign) {
      await world.consul.rotateRoot();
      await world.consul.restart();
    }
    await world.startReady(t, { _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    await eventually('published for this Consul', () => world.isPublished(CA_SECRET), 30_000);
    const config = (await world.annotation('service', SERVICE, CONFIG)) ?? '';
    assert.match(config, new RegExp(`^ca_secret: ${CA_SECRET}$`, 'm'));
    const [ca, identity] = await Promise.all([world.record(CA_SECRET), world.record(SECRET)]);
    t.after(() => Promise.all([ca.stop(), identity.stop()]));
    const written = () => [ca.versions.length - 1, identity.versions.length - 1] as const;
    const before = await world.read(SECRET, 'tls.crt');

    await world.consul.rotateRoot({ crossSign });
    if (!crossSign) {
      await eventually('the roots', () => written()[0] === 1, 2_000);
      assert.equal(await world.read(SECRET, 'tls.crt'), before, 'still the old leaf');
    }
    const isNew = async () => (await world.read(SECRET, 'tls.crt')) !== before;
    await eventually('the new leaf', isNew);
    await eventually('all versions', () => written()[0] >= caVersions && written()[1] >= versions, 5_000);

    assert.deepEqual(written(), [caVersions, versions]);
    const roots = await world.read(CA_SECRET, 'tls.crt');
    assert.equal(await world.read(SECRET, 'ca.crt'), roots);
    await verify(await world.read(SECRET, 'tls.crt'), roots);
  });
}
