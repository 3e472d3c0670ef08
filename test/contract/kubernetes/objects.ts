import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from './api.ts';
import { CRT, KEY, ownedFields, secret } from './manifests.ts';
import { assertStatus, at, keysOf, listOf, ownersOf, versionOf } from './reading.ts';

const byName = (name: string) => `?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;

/** Reading and writing single objects, without server-side apply. */
export function declareObjects(api: Api): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;

  test('a list by name contains only that object, without its kind', async () => {
    const created = await api.create('secrets', secret('listed'));
    await api.create('secrets', secret('listed-too'));

    const list = await api.call(`${api.collection('secrets')}${byName('listed')}`);

    assert.equal(list.code, 200);
    assert.deepEqual([list.body['kind'], list.body['apiVersion']], ['SecretList', 'v1']);
    const [item, ...others] = listOf(list.body['items']);
    assert.deepEqual(others, []);
    const { kind, apiVersion, ...rest } = created.body;
    assert.deepEqual([kind, apiVersion], ['Secret', 'v1']);
    assert.deepEqual(item, rest);
    assert.ok(BigInt(versionOf(list)) >= BigInt(versionOf(created)));
  });

  test('an empty list has a resourceVersion from which a watch shows the creation of the object', async () => {
    const other = await api.create('secrets', secret('not-the-one'));
    const list = await api.call(`${api.collection('secrets')}${byName('to-come')}`);
    assert.deepEqual([list.code, list.body['items']], [200, []]);
    assert.ok(BigInt(versionOf(list)) >= BigInt(versionOf(other)));
    const created = await api.create('secrets', secret('to-come'));
    const selector = `fieldSelector=metadata.name%3Dto-come&resourceVersion=${versionOf(list)}`;
    const watch = await api.watch('secrets', selector);
    const [event] = await watch.seen(1);
    watch.stop();
    assert.deepEqual(event, { type: 'ADDED', object: created.body });
  });

  test('a POST creates, sets the fields of the server, and makes the sender the manager of the others', async () => {
    const created = await api.create('secrets', secret('created', {}, { labels: { a: 'b' } }));

    assert.equal(created.code, 201);
    const { metadata, ...object } = created.body;
    assert.deepEqual(object, {
      kind: 'Secret',
      apiVersion: 'v1',
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': CRT, 'tls.key': KEY },
    });
    const filledIn = 'creationTimestamp labels managedFields name namespace resourceVersion uid';
    assert.deepEqual(keysOf(metadata), filledIn.split(' '));
    assert.match(String(at(metadata, 'creationTimestamp')), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const unmanaged = await api.call(api.collection('secrets'), {
      method: 'POST',
      body: secret('unmanaged'),
    });
    assert.equal(at(unmanaged.body, 'metadata', 'managedFields', 0, 'manager'), 'unknown');
    const [entry, ...others] = listOf(at(metadata, 'managedFields'));
    assert.deepEqual(others, []);
    const { time: _, fieldsV1: __, ...rest } = { time: '', fieldsV1: {}, ...Object(entry) };
    assert.deepEqual(rest, {
      manager: 'creator',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
    });
    assert.deepEqual(ownersOf(created.body), [
      'creator Update f:data .',
      ...ownedFields('creator Update', 'f:metadata f:labels .', 'f:metadata f:labels f:a'),
    ]);
    assert.deepEqual((await api.call(path('created'))).body, created.body);
  });

  test('a second POST is a 409 of reason AlreadyExists', async () => {
    await api.create('secrets', secret('twice'));
    const second = await api.create('secrets', secret('twice', { data: { 'tls.crt': KEY, 'tls.key': KEY } }));
    assertStatus(second, 409, 'AlreadyExists', { name: 'twice', kind: 'secrets' });
    assert.equal(at((await api.call(path('twice'))).body, 'data', 'tls.crt'), CRT);
  });

  test('in a namespace that does not exist a list is empty, and a POST a 404', async () => {
    const nowhere = '/api/v1/namespaces/nowhere/secrets';
    const list = await api.call(nowhere);
    const refused = await api.call(nowhere, { method: 'POST', body: secret('lost') });
    assert.deepEqual([list.code, list.body['items']], [200, []]);
    const message = assertStatus(refused, 404, 'NotFound', { name: 'nowhere', kind: 'namespaces' });
    assert.equal(message, 'namespaces "nowhere" not found');
  });

  test('a GET or a merge patch of a missing object is a 404', async () => {
    const read = await api.call(path('missing'));
    const merged = await api.merge(path('missing'), { metadata: { labels: { a: 'b' } } });
    for (const answer of [read, merged]) {
      const message = assertStatus(answer, 404, 'NotFound', { name: 'missing', kind: 'secrets' });
      assert.equal(message, 'secrets "missing" not found');
    }
  });

  test('a merge patch changes the fields it contains, removes those that are null, and is no write if nothing changes', async () => {
    await api.create('secrets', secret('merged', {}, { annotations: { gone: 'x', kept: 'x' } }));

    const change = { metadata: { annotations: { gone: null, added: 'y' } } };
    const merged = await api.merge(path('merged'), change);
    const again = await api.merge(path('merged'), change);

    assert.deepEqual([merged.code, again.code], [200, 200]);
    assert.deepEqual(at(merged.body, 'metadata', 'annotations'), { kept: 'x', added: 'y' });
    assert.deepEqual(ownersOf(merged.body), [
      'creator Update f:data .',
      ...ownedFields('creator Update', 'f:metadata f:annotations .', 'f:metadata f:annotations f:kept'),
      'editor Update f:metadata f:annotations f:added',
    ]);
    assert.equal(versionOf(again), versionOf(merged));
  });

  test('a merge patch or PUT with a resourceVersion is a conflict unless it is the current one', async () => {
    const created = await api.create('secrets', secret('merged-onto'));
    const resourceVersion = versionOf(created);
    const change = (value: string, version: string) => ({
      metadata: { resourceVersion: version, annotations: { value } },
    });

    const first = await api.merge(path('merged-onto'), change('1', resourceVersion));
    const stale = await api.merge(path('merged-onto'), change('2', resourceVersion));

    assert.equal(first.code, 200);
    assertStatus(stale, 409, 'Conflict', { name: 'merged-onto', kind: 'secrets' });
    assertStatus(await api.call(path('merged-onto'), { method: 'PUT', body: created.body }), 409, 'Conflict');
  });

  test('the answer to a DELETE is a Status with the uid, or a 409 if its precondition is not met', async () => {
    const created = await api.create('secrets', secret('deleted'));
    const uid = at(created.body, 'metadata', 'uid');
    const remove = (body?: object) => api.call(path('deleted'), { method: 'DELETE', ...(body && { body }) });

    const refused = await remove({ preconditions: { uid: '00000000-0000-4000-8000-000000000000' } });
    const deleted = await remove({ preconditions: { uid } });
    const again = await remove();

    assertStatus(refused, 409, 'Conflict');
    assert.equal(deleted.code, 200);
    assert.deepEqual([deleted.body['kind'], deleted.body['status']], ['Status', 'Success']);
    assert.deepEqual(deleted.body['details'], { name: 'deleted', kind: 'secrets', uid });
    assertStatus(again, 404, 'NotFound');
  });
}
