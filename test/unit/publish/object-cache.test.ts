import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { ObjectCache } from '../../../src/publish/kubernetes/object-cache.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { startCluster } from './cluster.ts';

const ref = { resource: 'services', namespace: 'ambassador', name: 'watched' } as const;

/** A Service that is watched, its first state, and a way to edit it as another writer. */
async function watched(t: TestContext, clock: Clock = systemClock) {
  const { cluster, connect, signal } = await startCluster(t);
  const client = await connect({}, clock);
  const edit = (label: string) =>
    cluster.put({
      kind: 'Service',
      metadata: { name: ref.name, labels: { label } },
      spec: { clusterIP: 'None' },
    });
  edit('first');
  const attempts: number[] = [];
  const errors: unknown[] = [];
  const object = new ObjectCache({
    client,
    ref,
    clock: systemClock,
    observer: {
      watching: () => undefined,
      watchFailed: (_object, error, attempt) => {
        attempts.push(attempt);
        errors.push(error);
      },
    },
  });
  const ended = object.run(() => undefined, signal);
  t.after(() => ended);
  const label = async () => (await object.current(signal))?.labels['label'];
  await eventually('the watch', () => cluster.watches.count() === 1);
  const first = (await object.current(signal)) ?? assert.fail('it is not there');
  return { cluster, client, object, first, edit, label, attempts, errors };
}

test('an edit that is seen before the answer to our write is not undone by that answer', async (t) => {
  const { object, first, edit, label } = await watched(t);
  edit('second');
  await eventually('the edit', async () => (await label()) === 'second');
  object.accept(first);
  assert.equal(await label(), 'second');
});

for (const [what, recover] of [
  [
    'after a restored backup the lower resourceVersions of a new watch are used',
    async ({ cluster }) => cluster.watches.expire(),
  ],
  [
    'K1: after a restored backup a watch that delivered nothing is followed by a read, whose result is used',
    async ({ cluster }) => cluster.watches.end(),
  ],
  [
    'K1: the result of the read after a conflict is used, though its resourceVersion is lower',
    async ({ object }) => void (await object.refresh(new AbortController().signal)),
  ],
] satisfies [string, (state: Awaited<ReturnType<typeof watched>>) => Promise<void>][]) {
  test(what, async (t) => {
    const state = await watched(t);
    const { object, first, label } = state;
    object.accept({ ...first, labels: { label: 'lost' }, resourceVersion: '999999' });
    assert.equal(await label(), 'lost');
    await recover(state);
    await eventually('what the server has', async () => (await label()) === 'first');
  });
}

test('a watch that delivered an event resets the count of failures: after weeks one broken connection is the first', async (t) => {
  const { cluster, edit, label, attempts } = await watched(t);

  for (const name of ['second', 'third', 'fourth']) {
    edit(name);
    await eventually('the edit', async () => (await label()) === name);
    const before = attempts.length;
    cluster.watches.cut();
    await eventually('it failed', () => attempts.length > before);
    await eventually('the watch again', () => cluster.watches.count() === 1);
  }

  assert.deepEqual(attempts, [1, 1, 1]);
});

test('a watch that the API server does not end after its 290 s is replaced 30 s later', async (t) => {
  let pass: (() => void) | undefined;
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) =>
      ms === 320_000 && pass === undefined
        ? new Promise((resolve) => {
            pass = resolve;
          })
        : systemClock.sleep(ms, signal),
  };
  const { cluster, edit, label, errors } = await watched(t, clock);
  cluster.watches.silence();
  edit('missed');

  pass?.();

  await eventually('what was missed', async () => (await label()) === 'missed');
  assert.match(String(errors), /did not end a watch after 290 s/);
});

test('after 15 s of silence the kernel probes the connection to the API server', async (t) => {
  const keepAlive = t.mock.method(Socket.prototype, 'setKeepAlive');
  await watched(t);
  assert.ok(keepAlive.mock.calls.some((call) => call.arguments[0] === true && call.arguments[1] === 15_000));
});

const LIST = { apiVersion: 'v1', kind: 'ServiceList', metadata: { resourceVersion: '5000' } };
const other = (name: string, namespace: string) => ({
  metadata: { name, namespace, resourceVersion: '4000', labels: { label: 'foreign' } },
});

for (const [what, foreign] of [
  ['name', other('other', ref.namespace)],
  ['namespace', other(ref.name, 'other')],
] as const) {
  test(`K12: an object of another ${what} in a list is not the requested one`, async (t) => {
    const { client, cluster } = await watched(t);
    cluster.script({ verb: 'list' }, { status: 200, body: { ...LIST, items: [foreign] } });
    const { object } = await client.read(ref, new AbortController().signal);
    assert.equal(object, undefined);
  });

  test(`K12: an event about an object of another ${what} changes nothing, nor the version from which the watch continues`, async (t) => {
    const { cluster, label } = await watched(t);
    const event = { type: 'MODIFIED', object: { ...foreign, kind: 'Service', apiVersion: 'v1' } };
    cluster.script({ verb: 'watch' }, { status: 200, body: `${JSON.stringify(event)}\n` }, 1);
    const before = cluster.requests.length;

    cluster.watches.end();

    const watches = () => cluster.requests.slice(before).filter(({ verb }) => verb === 'watch');
    await eventually('the next watch', () => watches().length >= 2);
    assert.ok(!watches().some(({ query }) => query.get('resourceVersion') === '4000'));
    assert.equal(await label(), 'first');
  });

  test(`K12: an answer with another ${what} to a write is an error`, async (t) => {
    const { client, cluster } = await watched(t);
    cluster.script({ verb: 'patch' }, { status: 200, body: foreign });
    const write = client.merge(ref, { metadata: {} }, new AbortController().signal);
    await assert.rejects(write, { code: 'KUBERNETES_INVALID_RESPONSE' });
  });
}
