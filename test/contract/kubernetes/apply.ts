import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api } from './api.ts';
import { CRT, KEY, secret } from './manifests.ts';
import { assertStatus, at, keysOf, listOf, ownersOf, subjectOf, versionOf } from './reading.ts';

const FORCE = 'fieldManager=connector&force=true';

/** The fields of the Secret, owned by `owner`. */
const fields = (owner: string, ...others: readonly string[]): string[] =>
  ['f:data f:tls.crt', 'f:data f:tls.key', ...others, 'f:type'].map((field) => `${owner} ${field}`);
const APPLIED = 'connector Apply';

/** Server-side apply, and who owns what after it. */
export function declareApply(api: Api): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;

  test('an apply creates, and an identical one leaves the resourceVersion and the time of the manager', async () => {
    const first = await api.apply(path('applied'), secret('applied'));
    const second = await api.apply(path('applied'), secret('applied'));
    assert.deepEqual([first.code, second.code], [201, 200]);
    assert.deepEqual(second.body, first.body);
    assert.deepEqual(ownersOf(first.body), fields(APPLIED));
  });

  test('an apply onto the present resourceVersion is a write, onto a stale one a 409', async () => {
    const created = await api.create('secrets', secret('versioned'), 'connector');
    const resourceVersion = versionOf(created);
    const next = secret('versioned', { data: { 'tls.crt': KEY, 'tls.key': KEY } }, { resourceVersion });
    const onto = await api.apply(path('versioned'), next, FORCE);
    const stale = await api.apply(path('versioned'), next, FORCE);
    assert.equal(onto.code, 200);
    assert.ok(BigInt(versionOf(onto)) > BigInt(resourceVersion));
    assertStatus(stale, 409, 'Conflict');
    assert.deepEqual(subjectOf(stale), { name: 'versioned', kind: 'secrets', group: undefined });
  });

  test('an apply that names a resourceVersion for a missing object creates it (1.20) or is a 409 (newer)', async () => {
    const applied = await api.apply(path('was-deleted'), secret('was-deleted', {}, { resourceVersion: '1' }));
    if (applied.code !== 201) assertStatus(applied, 409, 'Conflict');
  });

  test('an apply removes what its manager no longer lists, and keeps what others own', async () => {
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
      ...fields('another Apply', 'f:metadata f:labels f:shared'),
      ...fields(APPLIED, 'f:metadata f:labels f:ours'),
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

  test('an apply that is forced takes all data of a Secret that another created, but not the map they are in', async () => {
    await api.create('secrets', secret('adopted', {}, { labels: { a: 'b' } }));
    const next = secret('adopted', { data: { 'tls.crt': KEY, 'tls.key': CRT } }, { labels: { a: 'b' } });
    const adopted = await api.apply(path('adopted'), next, FORCE);
    assert.deepEqual(ownersOf(adopted.body), [
      ...fields(APPLIED, 'f:metadata f:labels f:a'),
      'creator Update f:data',
      'creator Update f:metadata f:labels .',
      'creator Update f:metadata f:labels f:a',
      'creator Update f:type',
    ]);
  });

  test('one manager that creates by POST and applies later has an entry for each', async () => {
    await api.create('secrets', secret('own'), 'connector');

    const same = await api.apply(path('own'), secret('own'), FORCE);
    const next = secret('own', { data: { 'tls.crt': KEY, 'tls.key': CRT } });
    const changed = await api.apply(path('own'), next, FORCE);

    assert.deepEqual(ownersOf(same.body), [
      ...fields(APPLIED),
      'connector Update f:data .',
      ...fields('connector Update'),
    ]);
    assert.deepEqual(ownersOf(changed.body), [
      ...fields(APPLIED),
      'connector Update f:data',
      'connector Update f:type',
    ]);
  });

  test('what others removed comes back by the next apply', async () => {
    await api.apply(path('spoilt'), secret('spoilt', {}, { labels: { ours: 'yes' } }));
    const spoilt = await api.merge(path('spoilt'), { metadata: { labels: null } });
    const applied = await api.apply(path('spoilt'), secret('spoilt', {}, { labels: { ours: 'yes' } }), FORCE);
    assert.equal(at(spoilt.body, 'metadata', 'labels'), undefined);
    assert.deepEqual(at(applied.body, 'metadata', 'labels'), { ours: 'yes' });
    assert.deepEqual(ownersOf(applied.body), fields(APPLIED, 'f:metadata f:labels f:ours'));
  });

  test('an apply needs a manager (422), and may not set managedFields (400)', async () => {
    const unmanaged = await api.apply(path('unmanaged-apply'), secret('unmanaged-apply'), '');
    const created = await api.apply(path('self-managed'), secret('self-managed'));
    const managedFields = at(created.body, 'metadata', 'managedFields');
    const managed = await api.apply(path('self-managed'), secret('self-managed', {}, { managedFields }));
    assertStatus(unmanaged, 422, 'Invalid');
    assertStatus(managed, 400, 'BadRequest');
  });
}
