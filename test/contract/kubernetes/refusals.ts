import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api, ApiServer, Refusal } from './api.ts';
import { CRT, KEY, secret, service } from './manifests.ts';
import { assertStatus, at, listOf, subjectOf } from './reading.ts';

/** What validation and admission refuse. The texts are those that the connector looks for. */
export function declareRefusals(api: Api, server: () => ApiServer): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;
  const fields = (body: unknown) => listOf(at(body, 'details', 'causes')).map((cause) => at(cause, 'field'));

  test('the type of a Secret does not change: 422, immutable', async () => {
    await api.create('secrets', secret('retyped', { type: 'Opaque' }));
    const applied = await api.apply(path('retyped'), secret('retyped'), 'fieldManager=connector&force=true');
    const merged = await api.merge(path('retyped'), { type: 'kubernetes.io/tls' });
    for (const answer of [applied, merged]) {
      assert.match(assertStatus(answer, 422, 'Invalid'), /immutable/);
      assert.deepEqual(subjectOf(answer), { name: 'retyped', kind: 'Secret', group: undefined });
      assert.deepEqual(fields(answer.body), ['type']);
    }
  });

  test('the data of a Secret that is immutable do not change, nor is it made mutable: 422, immutable', async () => {
    await api.create('secrets', secret('immutable', { immutable: true }));
    for (const change of [{ data: { 'tls.crt': KEY } }, { immutable: false }]) {
      const refused = await api.merge(path('immutable'), change);
      assert.match(assertStatus(refused, 422, 'Invalid'), /immutable/);
      assert.deepEqual(fields(refused.body), Object.keys(change));
    }
    const labelled = await api.merge(path('immutable'), { metadata: { labels: { a: 'b' } } });
    assert.equal(labelled.code, 200);
  });

  test('a TLS Secret has both keys, a Secret and a Service a good name, a label a good value: 422', async () => {
    for (const [plural, body, field] of [
      ['secrets', secret('keyless', { data: { 'tls.crt': CRT } }), 'data[tls.key]'],
      ['secrets', secret('Bad_Name'), 'metadata.name'],
      ['secrets', secret(''), 'metadata.name'],
      ['services', service('Bad_Service'), 'metadata.name'],
      ['secrets', secret('bad-label', {}, { labels: { a: 'b c' } }), 'metadata.labels'],
    ] as const) {
      const answer = await api.create(plural, body);
      assertStatus(answer, 422, 'Invalid');
      assert.equal(fields(answer.body)[0], field);
    }
  });

  test('what cannot be decoded is a 400', async () => {
    const data = { 'tls.crt': 'no base64!', 'tls.key': KEY };
    const created = await api.create('secrets', secret('undecodable', { data }));
    const mislaid = await api.create('secrets', secret('mislaid', {}, { namespace: 'another' }));
    const renamed = await api.apply(path('renamed'), secret('other-name'));
    for (const answer of [created, mislaid, renamed]) assertStatus(answer, 400, 'BadRequest');
  });

  for (const [how, code, reason, words] of [
    ['terminating', 403, 'Forbidden', /being terminated/],
    ['quota', 403, 'Forbidden', /exceeded quota/],
    // Its reason is the webhook's own.
    ['webhook', 400, undefined, /admission webhook/],
  ] satisfies [Refusal, number, string | undefined, RegExp][]) {
    test(`a Secret that is refused by ${how}: ${code} in the words that the connector looks for`, async () => {
      const namespace = await server().refusing(how);
      const refused = await api.call(`/api/v1/namespaces/${namespace}/secrets`, {
        method: 'POST',
        body: secret('refused'),
      });
      assert.deepEqual([refused.code, refused.body['kind'], refused.body['code']], [code, 'Status', code]);
      if (reason !== undefined) assert.equal(refused.body['reason'], reason);
      assert.match(String(refused.body['message']), words);
      assert.doesNotMatch(String(refused.body['message']), /cannot \w+ resource/, 'no rule is missing');
    });
  }
}
