import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from './api.ts';
import { CRT, KEY, ownedFields, secret } from './manifests.ts';
import { assertStatus, at, keysOf, listOf, ownersOf, versionOf } from './reading.ts';

const FORCE = 'fieldManager=connector&force=true';
const APPLIED = 'connector Apply';

/** Server-side apply, and the field managers after it. */
export function declareApply(api: Api): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;

  test('an apply creates; an identical one changes neither the resourceVersion nor the time of the manager', async () => {
    const first = await api.apply(path('applied'), secret('applied'));
    const second = await api.apply(path('applied'), secret('applied'));
    assert.deepEqual([first.code, second.code], [201, 200]);
    assert.deepEqual(second.body, first.body);
    assert.deepEqual(ownersOf(first.body), ownedFields(APPLIED));
  });

  test('an apply with the current resourceVersion is a write, with a stale one a 409', async () => {
    const created = await api.create('secrets', secret('versioned'), 'connector');
    const resourceVersion = versionOf(created);
    const next = secret('versioned', { data: { 'tls.crt': KEY, 'tls.key': KEY } }, { resourceVersion });
    const onto = await api.apply(path('versioned'), next, FORCE);
    const stale = await api.apply(path('versioned'), next, FORCE);
    assert.equal(onto.code, 200);
    assert.ok(BigInt(versionOf(onto)) > BigInt(resourceVersion));
    assertStatus(stale, 409, 'Conflict', { name: 'versioned', kind: 'secrets' });
  });

  test('an apply with a resourceVersion to a missing object creates it (1.20) or is a 409 (newer)', async () => {
    const applied = await api.apply(path('was-deleted'), secret('was-deleted', {}, { resourceVersion: '1' }));
    if (applied.code !== 201) assertStatus(applied, 409, 'Conflict');
  });

  test('an apply removes the fields that its manager no longer lists, and keeps those that others own', async () => {
    const metadata = { labels: { ours: 'yes', gone: 'soon', shared: 'yes' } };
    const data = { 'tls.crt': CRT, 'tls.key': KEY, old: KEY };
    await api.apply(path('pruned'), secret('pruned', { data }, metadata));
    await api.merge(path('pruned'), { metadata: { labels: { theirs: 'yes' } }, data: { extra: CRT } });
    const shared = secret('pruned', {}, { labels: { shared: 'yes' } });
    await api.apply(path('pruned'), shared, 'fieldManager=another');

    const applied = await api.apply(path('pruned'), secret('pruned', {}, { labels: { ours: 'yes' } }));

    assert.equal(applied.code, 200);
    assert.deepEqual(at(applied.body, 'metadata', 'labels'), { ours: 'yes', theirs: 'yes', shared: 'yes' });
    assert.deepEqual(keysOf(applied.body['data']), ['extra', 'tls.crt', 'tls.key']);
    assert.deepEqual(ownersOf(applied.body), [
      ...ownedFields('another Apply', 'f:metadata f:labels f:shared'),
      ...ownedFields(APPLIED, 'f:metadata f:labels f:ours'),
      'editor Update f:data f:extra',
      'editor Update f:metadata f:labels f:theirs',
    ]);
  });

  test('a field of another manager is a conflict that names it, until the apply is forced', async () => {
    await api.apply(path('contested'), secret('contested'));
    await api.merge(path('contested'), { data: { 'tls.crt': KEY } });

    const refused = await api.apply(path('contested'), secret('contested'));
    const forced = await api.apply(path('contested'), secret('contested'), FORCE);

    const message = assertStatus(refused, 409, 'Conflict');
    assert.match(message, /conflict with "editor".*\.data\.tls\.crt/);
    assert.deepEqual(
      listOf(at(refused.body, 'details', 'causes')).map((cause) => [at(cause, 'reason'), at(cause, 'field')]),
      [['FieldManagerConflict', '.data.tls.crt']],
    );
    assert.equal(forced.code, 200);
    assert.equal(at(forced.body, 'data', 'tls.crt'), CRT);
    const found = ownersOf(forced.body).filter((owner) => owner.startsWith('editor'));
    assert.deepEqual(found, []);
  });

  test('a forced apply takes over all data of a Secret that another manager created, but not the map that contains them', async () => {
    await api.create('secrets', secret('adopted', {}, { labels: { a: 'b' } }));
    const next = secret('adopted', { data: { 'tls.crt': KEY, 'tls.key': CRT } }, { labels: { a: 'b' } });
    const adopted = await api.apply(path('adopted'), next, FORCE);
    assert.deepEqual(ownersOf(adopted.body), [
      ...ownedFields(APPLIED, 'f:metadata f:labels f:a'),
      'creator Update f:data',
      'creator Update f:metadata f:labels .',
      'creator Update f:metadata f:labels f:a',
      'creator Update f:type',
    ]);
  });

  test('a manager that creates by POST and applies later has an entry for each', async () => {
    await api.create('secrets', secret('own'), 'connector');

    const same = await api.apply(path('own'), secret('own'), FORCE);
    const next = secret('own', { data: { 'tls.crt': KEY, 'tls.key': CRT } });
    const changed = await api.apply(path('own'), next, FORCE);

    assert.deepEqual(ownersOf(same.body), [
      ...ownedFields(APPLIED),
      'connector Update f:data .',
      ...ownedFields('connector Update'),
    ]);
    assert.deepEqual(ownersOf(changed.body), [
      ...ownedFields(APPLIED),
      'connector Update f:data',
      'connector Update f:type',
    ]);
  });

  test('the next apply restores what others removed', async () => {
    await api.apply(path('spoilt'), secret('spoilt', {}, { labels: { ours: 'yes' } }));
    const spoilt = await api.merge(path('spoilt'), { metadata: { labels: null } });
    const applied = await api.apply(path('spoilt'), secret('spoilt', {}, { labels: { ours: 'yes' } }), FORCE);
    assert.equal(at(spoilt.body, 'metadata', 'labels'), undefined);
    assert.deepEqual(at(applied.body, 'metadata', 'labels'), { ours: 'yes' });
    assert.deepEqual(ownersOf(applied.body), ownedFields(APPLIED, 'f:metadata f:labels f:ours'));
  });

  test('an apply requires a manager (422), and must not set managedFields (400)', async () => {
    const unmanaged = await api.apply(path('unmanaged-apply'), secret('unmanaged-apply'), '');
    const created = await api.apply(path('self-managed'), secret('self-managed'));
    const managedFields = at(created.body, 'metadata', 'managedFields');
    const managed = await api.apply(path('self-managed'), secret('self-managed', {}, { managedFields }));
    assertStatus(unmanaged, 422, 'Invalid');
    assertStatus(managed, 400, 'BadRequest');
  });
}
