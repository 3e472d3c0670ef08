import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api, ApiServer } from './api.ts';
import { KEY, secret } from './manifests.ts';
import { at, keysOf, versionOf } from './reading.ts';
import { versionsOf } from './watching.ts';

const named = (name: string) => `fieldSelector=metadata.name%3D${name}`;

export function declareWatch(api: Api, server: () => ApiServer): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;
  const remove = (name: string) => api.call(path(name), { method: 'DELETE' });

  test('a watch shows each change of that object after its resourceVersion, including deletion, and no write without a change', async () => {
    const created = await api.create('secrets', secret('watched'));
    const watch = await api.watch('secrets', `${named('watched')}&resourceVersion=${versionOf(created)}`);
    await api.create('secrets', secret('watched-not'));

    const edited = await api.merge(path('watched'), { data: { 'tls.crt': KEY } });
    await api.merge(path('watched'), { data: { 'tls.crt': KEY } });
    await remove('watched-not');
    await remove('watched');
    const again = await api.create('secrets', secret('watched'));

    const events = await watch.seen(3);
    watch.stop();
    assert.equal(watch.code, 200);
    assert.deepEqual(events[0], { type: 'MODIFIED', object: edited.body });
    assert.deepEqual(events[2], { type: 'ADDED', object: again.body });
    const [modified, deleted, added] = versionsOf(events);
    assert.equal(deleted?.[0], 'DELETED');
    assert.ok(Number(deleted?.[1]) > Number(modified?.[1]), 'the object of a deletion has a later version');
    assert.ok(Number(deleted?.[1]) < Number(added?.[1]));
    const last: unknown = events[1]?.object;
    assert.deepEqual(
      { ...Object(last), metadata: { ...Object(at(last, 'metadata')), resourceVersion: versionOf(edited) } },
      edited.body,
      'and is as it was before',
    );
  });

  test('a watch from the version of a deletion starts after it', async () => {
    const created = await api.create('secrets', secret('gone'));
    const first = await api.watch('secrets', `${named('gone')}&resourceVersion=${versionOf(created)}`);
    await remove('gone');
    const [deletion] = await first.seen(1);
    first.stop();
    const again = await api.create('secrets', secret('gone'));
    const from = String(at(deletion?.object, 'metadata', 'resourceVersion'));
    const second = await api.watch('secrets', `${named('gone')}&resourceVersion=${from}`);
    assert.deepEqual((await second.seen(1))[0], { type: 'ADDED', object: again.body });
    second.stop();
  });

  test('a watch without a version, or from 0, first shows the existing objects', async () => {
    const created = await api.create('secrets', secret('there'));
    for (const query of [named('there'), `${named('there')}&resourceVersion=0`]) {
      const watch = await api.watch('secrets', query);
      assert.deepEqual((await watch.seen(1))[0], { type: 'ADDED', object: created.body });
      watch.stop();
    }
  });

  test('a watch from a later version is open and silent until its timeout', async () => {
    const created = await api.create('secrets', secret('early'));
    const future = BigInt(versionOf(created)) + 1_000_000n;
    const watch = await api.watch('secrets', `${named('early')}&resourceVersion=${future}&timeoutSeconds=1`);
    await api.merge(path('early'), { data: { 'tls.crt': KEY } });
    assert.equal(watch.code, 200);
    assert.deepEqual(await watch.ended(), []);
  });

  test('timeoutSeconds ends a watch without an error, and earlier bookmarks go beyond the changes of other objects', async () => {
    const created = await api.create('secrets', secret('marked'));
    const query = `${named('marked')}&resourceVersion=${versionOf(created)}&timeoutSeconds=4`;
    const before = performance.now();
    const [plain, marked] = await Promise.all([
      api.watch('secrets', query),
      api.watch('secrets', `${query}&allowWatchBookmarks=true`),
    ]);
    const other = await api.create('secrets', secret('marked-not'));

    assert.deepEqual(await plain.ended(), []);
    const events = await marked.ended();
    const took = performance.now() - before;
    assert.ok(took > 3_500, `took ${took} ms`);
    assert.ok(events.length > 0, 'a bookmark came');
    for (const { type, object } of events) {
      assert.deepEqual([type, at(object, 'kind'), at(object, 'apiVersion')], ['BOOKMARK', 'Secret', 'v1']);
      assert.ok(!keysOf(at(object, 'metadata')).includes('name'), 'a bookmark has no name');
    }
    assert.ok((versionsOf(events).at(-1)?.[1] ?? 0n) >= BigInt(versionOf(other)));
  });

  test('a watch from a version that is too old is a 200 with one ERROR event, a Status with 410, and ends', async () => {
    const expired = await server().expiredVersion();

    const watch = await api.watch('secrets', `${named('any')}&resourceVersion=${expired}`);

    assert.equal(watch.code, 200);
    const [event, ...others] = await watch.ended();
    assert.deepEqual(others, []);
    assert.equal(event?.type, 'ERROR');
    const { message, ...status } = Object(event?.object);
    assert.equal(typeof message, 'string');
    assert.deepEqual(
      { ...status, metadata: keysOf(status.metadata) },
      { kind: 'Status', apiVersion: 'v1', metadata: [], status: 'Failure', reason: 'Expired', code: 410 },
    );
  });
}
