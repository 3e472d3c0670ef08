import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { request } from 'undici';
import { isRecord } from '../../../src/lib/record.ts';
import { typesOf } from '../../contract/consul/reading.ts';
import { startEmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { bodyOf, readRecording } from '../../fixtures/consul/recording.ts';
import { COMPARED } from './compared-answers.ts';

// No registry has a Consul newer than 1.8, but the embedded Consul behaves like one. Its texts that differ from those of 1.8, and
// the headers that only newer versions send, are compared with exchanges recorded from 1.16.4.

/** The placeholders of secrets in recorded requests. */
const [OTHER, FOREIGN] = [randomUUID(), randomUUID()];
const SECRETS: Readonly<Record<string, string>> = {
  '<unknown-token>': randomUUID(),
  '<other-service-token>': OTHER,
  '<good-token>': FOREIGN,
};
/** Headers of the transport, which are not compared. */
const TRANSPORT = ['date', 'content-length', 'connection', 'keep-alive', 'transfer-encoding'];

const logins = { jwt: { '<jwt-good>': 'ambassador' } };
const tokens = { [OTHER]: { serviceWrite: ['web'] }, [FOREIGN]: { serviceWrite: ['ambassador'] } };
const [open, guarded, withoutConnect] = await Promise.all([
  startEmbeddedConsul(),
  startEmbeddedConsul({ acl: { tokens, logins } }),
  startEmbeddedConsul({ connect: false }),
]);
after(() => Promise.all([open, guarded, withoutConnect].map((consul) => consul.close())));

/** The embedded Consul that is set up as the recorded one was. */
function consulOf(name: string) {
  if (name.startsWith('connect-disabled')) return withoutConnect;
  return /^(acl|login)-(?!off)/.test(name) ? guarded : open;
}

for (const id of COMPARED) {
  const [version = '', name = ''] = id.split('/');
  test(`the embedded Consul answers ${name} as ${version} did`, async () => {
    const recording = readRecording(id);
    const { method, path, headers, body } = recording.request;
    const token = headers['X-Consul-Token'];

    const answer = await request(consulOf(name).url + path, {
      method,
      headers: token === undefined ? {} : { 'x-consul-token': SECRETS[token] ?? token },
      body: body ?? null,
    });
    const text = await answer.body.text();

    const { response } = recording;
    assert.equal(answer.statusCode, response.status, text);
    assert.deepEqual(
      namesOf(Object.keys(answer.headers)),
      namesOf(response.headers.map(([header]) => header)),
    );
    assert.deepEqual(formOf(text), formOf(bodyOf(recording)));
  });
}

function namesOf(headers: readonly string[]): string[] {
  const names = headers.map((header) => header.toLowerCase());
  return names.filter((header) => !TRANSPORT.includes(header)).sort();
}

/** A text without the identifiers in it; of a JSON object the keys and types, and of an array all. */
function formOf(text: string): unknown {
  if (text.startsWith('[')) return JSON.parse(text);
  if (!text.startsWith('{')) return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID');
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return value;
  const { Roots: roots } = value;
  return { ...typesOf(value), Roots: Array.isArray(roots) ? roots.map(typesOf) : undefined };
}
