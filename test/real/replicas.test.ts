import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { SECRET, SERVICE, serves, text, useWorld } from './world.ts';

const REPLICAS = 3;
const ROTATIONS = 3;
const BUNDLE_WITHIN_MS = 5_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 3_000;

const world = useWorld({ persistent: true });

test('three replicas, the last writer of which is killed twice in each of three rotations: two writes for each rotation and no others', async (t) => {
  const environment = await world.environment();
  const replicas = Array.from({ length: REPLICAS }, () => startDaemon(environment));
  t.after(() => Promise.all(replicas.map((replica) => replica.stop())));
  const written = async () => (await world.writes('secrets', SECRET)).length;
  await Promise.all(replicas.map((replica) => replica.ready()));
  const recording = await world.record(SECRET);
  t.after(() => recording.stop());
  assert.equal(await written(), 1, 'one Secret between them');

  for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
    // The leaf queries of Consul 1.8 see only the first rotation since a start of the agent (consul PR #15005).
    const restartedAt = Date.now();
    await world.consul.restart();
    await Promise.all(replicas.map((replica) => answeredSince(replica, restartedAt)));
    const before = await written();

    await world.consul.rotateRoot();

    await eventually('the bundle', async () => (await written()) === before + 1, BUNDLE_WITHIN_MS);
    await replaceLastWriter(replicas, environment);
    await eventually('the leaf', async () => (await written()) === before + 2);
    await replaceLastWriter(replicas, environment);
    await Promise.all(replicas.map((replica) => replica.ready()));
    await sleep(SETTLED_MS);
    assert.equal(
      await written(),
      before + 2,
      `rotation ${rotation}: bundle and leaf, and none for two kills`,
    );
  }

  assert.equal(recording.versions.length, 1 + 2 * ROTATIONS);
  for (const version of recording.versions) await verify(text(version, 'tls.crt'), text(version, 'ca.crt'));
});

test('the overlay is accepted: two replicas, and a budget of one unavailable replica', async () => {
  const built = await world.kubectl(['kustomize', `${world.k8s}/overlays/replicas`]);
  // As in its first lines, for an API server without policy/v1.
  const isServed = await serves(world.kubectl, 'policy/v1');
  const manifest = isServed ? built : built.replace(/^apiVersion: policy\/v1$/m, '$&beta1');
  await world.kubectl(['apply', '-f', '-'], manifest);

  const show = async (kind: string) =>
    JSON.parse(await world.kubectl(['get', kind, SERVICE, '-o', 'json'])).spec;
  const [deployment, budget] = [await show('deployment'), await show('poddisruptionbudget')];

  assert.equal(deployment.replicas, 2);
  assert.equal(budget.maxUnavailable, 1);
  assert.deepEqual(budget.selector, deployment.selector);
});

/** Kills the replica that logged the latest write, as a crash would, and starts another one. */
async function replaceLastWriter(
  replicas: Daemon[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const lastWrite = ({ logs }: Daemon): number =>
    Date.parse(String(logs.findLast(({ msg }) => msg === 'published the identity')?.['time'] ?? 0));
  const [writer] = [...replicas].sort((a, b) => lastWrite(b) - lastWrite(a));
  assert.ok(writer !== undefined && lastWrite(writer) > 0, 'a replica wrote');
  await writer.stop('SIGKILL');
  replicas.splice(replicas.indexOf(writer), 1, startDaemon(environment));
}

/** Resolves when both its queries were answered after `at`, in milliseconds since the epoch. */
async function answeredSince(replica: Daemon, at: number): Promise<void> {
  for (const query of ['roots', 'leaf']) {
    const answeredAt = () => replica.metric('consul_last_answer_timestamp_seconds', `query="${query}"`);
    await eventually(`${query} answered`, async () => (await answeredAt()) > at / 1_000, 30_000);
  }
}
