import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { NAMESPACE, SECRET, SERVICE, type Shown, text, useWorld } from './world.ts';

const EVENTS = [
  'Normal Published missing: no identity was published',
  'Normal Published roots-changed: the list of roots changed',
  'Normal Published inactive-root: the published leaf does not chain to the active root',
];

const world = useWorld({ persistent: true });

for (const crossSign of [true, false]) {
  test(`22: a CA rotation ${crossSign ? 'with' : 'without'} cross-signing is two writes: both roots within a second, then the new leaf`, async (t) => {
    // A new agent: the leaf queries of Consul 1.8 see the first rotation only, later ones when they end after ten
    // minutes (consul PR #15005).
    await world.consul.restart({ wipe: true });
    if (!crossSign) {
      await world.consul.rotateRoot();
      await world.consul.restart();
    }
    const daemon = await world.startDaemon(t);
    await eventually('published', () => world.isPublished());
    const before = await world.show('secret', SECRET);
    const writesBefore = (await world.writes('secrets', SECRET)).length;
    const recording = await world.record(SECRET);
    t.after(() => recording.stop());
    const version = (count: number, withinMs?: number) =>
      eventually(`${count} versions`, () => recording.versions[count - 1], withinMs);

    await world.consul.rotateRoot({ crossSign });
    const bundle = await version(2, 1_000);
    const leaf = await version(3);

    assert.equal(countRoots(bundle), countRoots(before) + 1, 'first the new root is added');
    for (const key of ['tls.crt', 'tls.key']) assert.equal(bundle.data?.[key], before?.data[key], key);
    assert.notEqual(leaf.data?.['tls.crt'], before?.data['tls.crt'], 'then the leaf is replaced');
    const [tlsCrt, caCrt] = [await world.read(SECRET, 'tls.crt'), await world.read(SECRET, 'ca.crt')];
    await verify(tlsCrt, caCrt);
    assert.equal((await world.writes('secrets', SECRET)).length - writesBefore, 2, 'by the audit log');
    assert.equal(await daemon.metric('writes_total', 'reason="inactive-root"'), 1);
    assert.equal(await daemon.metric('writes_total', 'reason="roots-changed"'), 1);
    if (crossSign) {
      // As peers that have only the old roots.
      const [, ...oldRoots] = caCrt.split(/(?<=-----END CERTIFICATE-----\n)/);
      await verify(tlsCrt, oldRoots.join(''));
      await assertReported(before);
      assert.ok(
        daemon.logs.every(({ level }) => level === 'info'),
        daemon.stdout,
      );
    }
  });
}

/** Checks that Events on the Secret and its annotations, which `kubectl describe` shows, report the rotation. */
async function assertReported(secret: Shown | undefined): Promise<void> {
  // As `kubectl describe` selects them, for the kinds whose Events it shows.
  const about = { kind: 'Secret', namespace: NAMESPACE, name: SECRET, uid: secret?.metadata.uid };
  const selector = Object.entries(about).map(([field, value]) => `involvedObject.${field}=${value}`);
  const path = '{range .items[*]}{.metadata.resourceVersion} {.type} {.reason} {.message}{"\\n"}{end}';
  const args = ['get', 'events', `--field-selector=${selector}`, '-o', `jsonpath=${path}`];
  const events = await eventually('the Events', async () => {
    const lines = (await world.kubectl(args)).trim().split('\n');
    return lines.length >= EVENTS.length && lines;
  });
  // In the order of writing: their times are whole seconds.
  events.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  assert.deepEqual(
    events.map((line) => line.replace(/^\d+ /, '')),
    EVENTS,
  );
  const described = await world.kubectl(['describe', 'secret', SECRET]);
  assert.match(described, new RegExp(`${SERVICE}/write-reason: inactive-root: `));
  const history = `${SERVICE}/write-history:\\s+\\S+Z roots-changed: .*\\s+\\S+Z missing: `;
  assert.match(described, new RegExp(history));
}

function countRoots(secret: Parameters<typeof text>[0]): number {
  return text(secret, 'ca.crt').split('BEGIN CERTIFICATE').length - 1;
}
