import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Api, ApiServer, Refusal } from './api.ts';
import { CRT, KEY, secret, service } from './manifests.ts';
import { assertStatus, at, listOf } from './reading.ts';

/** Refusals of validation and admission, with the texts that the connector searches for. */
export function declareRefusals(api: Api, server: () => ApiServer): void {
  const path = (name: string) => `${api.collection('secrets')}/${name}`;
  const fields = (body: unknown) => listOf(at(body, 'details', 'causes')).map((cause) => at(cause, 'field'));

  test('a change of the type of a Secret is a 422, immutable', async () => {
    await api.create('secrets', secret('retyped', { type: 'Opaque' }));
    const applied = await api.apply(path('retyped'), secret('retyped'), 'fieldManager=connector&force=true');
    const merged = await api.merge(path('retyped'), { type: 'kubernetes.io/tls' });
    for (const answer of [applied, merged]) {
      const message = assertStatus(answer, 422, 'Invalid', { name: 'retyped', kind: 'Secret' });
      assert.match(message, /immutable/);
      assert.deepEqual(fields(answer.body), ['type']);
    }
  });

  test('a change of the data of an immutable Secret, and making it mutable, are a 422, immutable', async () => {
    await api.create('secrets', secret('immutable', { immutable: true }));
    for (const change of [{ data: { 'tls.crt': KEY } }, { immutable: false }]) {
      const refused = await api.merge(path('immutable'), change);
      assert.match(assertStatus(refused, 422, 'Invalid'), /immutable/);
      assert.deepEqual(fields(refused.body), Object.keys(change));
    }
    const labelled = await api.merge(path('immutable'), { metadata: { labels: { a: 'b' } } });
    assert.equal(labelled.code, 200);
  });

  test('a TLS Secret without a key, an invalid name, an invalid label, and ports without different names are a 422', async () => {
    const http = { name: 'http', port: 80 };
    for (const [plural, body, field] of [
      ['secrets', secret('keyless', { data: { 'tls.crt': CRT } }), 'data[tls.key]'],
      ['secrets', secret('Bad_Name'), 'metadata.name'],
      ['secrets', secret(''), 'metadata.name'],
      ['services', service('Bad_Service'), 'metadata.name'],
      ['secrets', secret('bad-label', {}, { labels: { a: 'b c' } }), 'metadata.labels'],
      ['services', service('nameless', { ports: [http, { port: 81 }] }), 'spec.ports[1].name'],
      ['services', service('twice', { ports: [http, { ...http, port: 81 }] }), 'spec.ports[1].name'],
    ] as const) {
      const answer = await api.create(plural, body);
      assertStatus(answer, 422, 'Invalid');
      assert.equal(fields(answer.body)[0], field);
    }
  });

  test('an undecodable object is a 400', async () => {
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
    test(`a Secret that is refused by ${how} is a ${code} with the text that the connector searches for`, async () => {
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
