import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from './api.ts';
import { CRT, KEY, secret } from './manifests.ts';
import { assertStatus, at, keysOf, listOf, ownersOf, subjectOf, versionOf } from './reading.ts';

const byName = (name: string) => `?fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;

/** Reading and writing single objects, without server-side apply. */
export function declareObjects(api: Api): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;

  test('a list by name holds that object alone, without the kind that the list has', async () => {
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

  test('an empty list has the resourceVersion from which a watch sees the object come', async () => {
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

  test('a POST creates, fills in what the server owns, and makes the sender the manager of each field', async () => {
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
      'creator Update f:data f:tls.crt',
      'creator Update f:data f:tls.key',
      'creator Update f:metadata f:labels .',
      'creator Update f:metadata f:labels f:a',
      'creator Update f:type',
    ]);
    assert.deepEqual((await api.call(path('created'))).body, created.body);
  });

  test('a second POST is a 409 of reason AlreadyExists', async () => {
    await api.create('secrets', secret('twice'));
    const second = await api.create('secrets', secret('twice', { data: { 'tls.crt': KEY, 'tls.key': KEY } }));
    assertStatus(second, 409, 'AlreadyExists');
    assert.deepEqual(subjectOf(second), { name: 'twice', kind: 'secrets', group: undefined });
    assert.equal(at((await api.call(path('twice'))).body, 'data', 'tls.crt'), CRT);
  });

  test('in a namespace that does not exist a list is empty, and a POST a 404', async () => {
    const nowhere = '/api/v1/namespaces/nowhere/secrets';
    const list = await api.call(nowhere);
    const refused = await api.call(nowhere, { method: 'POST', body: secret('lost') });
    assert.deepEqual([list.code, list.body['items']], [200, []]);
    assert.equal(assertStatus(refused, 404, 'NotFound'), 'namespaces "nowhere" not found');
    assert.deepEqual(subjectOf(refused), { name: 'nowhere', kind: 'namespaces', group: undefined });
  });

  test('a GET or a merge patch of what does not exist is a 404', async () => {
    const read = await api.call(path('missing'));
    const merged = await api.merge(path('missing'), { metadata: { labels: { a: 'b' } } });
    for (const answer of [read, merged]) {
      assert.equal(assertStatus(answer, 404, 'NotFound'), 'secrets "missing" not found');
      assert.deepEqual(subjectOf(answer), { name: 'missing', kind: 'secrets', group: undefined });
    }
  });

  test('a merge patch changes what it names, removes what is null, and is not a write when nothing changes', async () => {
    await api.create('secrets', secret('merged', {}, { annotations: { gone: 'x', kept: 'x' } }));

    const change = { metadata: { annotations: { gone: null, added: 'y' } } };
    const merged = await api.merge(path('merged'), change);
    const again = await api.merge(path('merged'), change);

    assert.deepEqual([merged.code, again.code], [200, 200]);
    assert.deepEqual(at(merged.body, 'metadata', 'annotations'), { kept: 'x', added: 'y' });
    assert.deepEqual(ownersOf(merged.body), [
      'creator Update f:data .',
      'creator Update f:data f:tls.crt',
      'creator Update f:data f:tls.key',
      'creator Update f:metadata f:annotations .',
      'creator Update f:metadata f:annotations f:kept',
      'creator Update f:type',
      'editor Update f:metadata f:annotations f:added',
    ]);
    assert.equal(versionOf(again), versionOf(merged));
  });

  test('a merge patch or PUT with a resourceVersion is a conflict unless it is the present one', async () => {
    const created = await api.create('secrets', secret('merged-onto'));
    const resourceVersion = versionOf(created);
    const change = (value: string, version: string) => ({
      metadata: { resourceVersion: version, annotations: { value } },
    });

    const first = await api.merge(path('merged-onto'), change('1', resourceVersion));
    const stale = await api.merge(path('merged-onto'), change('2', resourceVersion));

    assert.equal(first.code, 200);
    assertStatus(stale, 409, 'Conflict');
    assert.deepEqual(subjectOf(stale), { name: 'merged-onto', kind: 'secrets', group: undefined });
    assertStatus(await api.call(path('merged-onto'), { method: 'PUT', body: created.body }), 409, 'Conflict');
  });

  test('a DELETE answers a Status with the uid, and is a 409 when its precondition is not met', async () => {
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
