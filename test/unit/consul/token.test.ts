import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TokenConfig } from '../../../src/consul/endpoint.ts';
import { fileToken } from '../../../src/consul/token.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { textAnswer } from '../../fixtures/consul/answer.ts';
import type { EmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { clientOf, errorOf, getLeaf, serverOf, startConsul } from './asking.ts';

const signal = new AbortController().signal;
const ACL = { tokens: { good: { serviceWrite: ['ambassador'] }, weak: { serviceWrite: [] } } } as const;

async function tokenFile(content?: string): Promise<string> {
  const path = join(temporary(), 'token');
  if (content !== undefined) await writeFile(path, content);
  return path;
}

/** A Consul, and what requests the leaf of it. */
async function asking(t: TestContext, token: TokenConfig) {
  const consul = await startConsul(t, { acl: ACL });
  const connection = clientOf(t, { servers: [serverOf(consul)], token }).connect();
  return { consul, ask: () => getLeaf(connection) };
}

const tokens = (consul: EmbeddedConsul) => consul.requests.map(({ headers }) => headers['x-consul-token']);

test('a token file is read for each request: a new content is used at once', async (t) => {
  const path = await tokenFile('good\n');
  const { consul, ask } = await asking(t, { kind: 'file', path });
  await ask();
  consul.setAcl({ tokens: { newer: { serviceWrite: 'any' } } });
  await writeFile(path, '  newer  ');
  await ask();
  assert.deepEqual(tokens(consul), ['good', 'newer']);
});

test('after a refusal the request is sent again at once where the file has changed meanwhile', async (t) => {
  const path = await tokenFile('revoked');
  const { consul, ask } = await asking(t, { kind: 'file', path });
  consul.script('leaf', async ({ headers }) => {
    if (headers['x-consul-token'] === 'revoked') await writeFile(path, 'good');
    return undefined;
  });
  await ask();
  assert.deepEqual(tokens(consul), ['revoked', 'good']);
});

test('after a refusal it is not sent again where the file is the same', async (t) => {
  const { consul, ask } = await asking(t, { kind: 'file', path: await tokenFile('revoked') });
  await assert.rejects(ask(), {
    code: 'CONSUL_TOKEN_UNKNOWN',
    remedy:
      'put a token that exists into the file of CONSUL_HTTP_TOKEN_FILE; it is read again at once (consul acl token list)',
  });
  assert.deepEqual(tokens(consul), ['revoked']);
});

test('a missing token file is an error with its path and remedy, without a request', async (t) => {
  const path = await tokenFile();
  const { consul, ask } = await asking(t, { kind: 'file', path });

  await assert.rejects(ask(), {
    code: 'CONSUL_TOKEN_UNREADABLE',
    message: `the token file ${path} cannot be read (ENOENT)`,
    remedy:
      'check that the file in CONSUL_HTTP_TOKEN_FILE is mounted, and readable by the user of the connector',
  });

  assert.equal(consul.requests.length, 0);
});

for (const [what, content] of [
  ['empty', ''],
  ['blank', ' \n'],
  ['one of two lines', 'secret-one\nsecret-two\n'],
  ['one with a control character, which no header may have', 'secret\u0000one'],
] as const) {
  test(`a token file that is ${what} is an error that does not quote it`, async () => {
    const path = await tokenFile(content);
    assert.deepEqual(await errorOf(fileToken(path).current(signal)), {
      code: 'CONSUL_TOKEN_UNREADABLE',
      error: `the token file ${path} contains no token`,
      remedy: 'put the SecretID of one ACL token into it, and nothing else',
    });
  });
}

for (const [what, token, sent, remedy] of [
  [
    'no token',
    { kind: 'none' },
    undefined,
    'set CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE or CONSUL_LOGIN_AUTH_METHOD: no token was sent, and a token with this policy is needed: service "ambassador" { policy = "write" }',
  ],
  [
    'a token without service:write',
    { kind: 'value', token: 'weak' },
    'weak',
    'attach a policy with: service "ambassador" { policy = "write" }',
  ],
] as const) {
  test(`${what} is CONSUL_PERMISSION_DENIED, with the very policy that is missing`, async (t) => {
    const { consul, ask } = await asking(t, token);
    await assert.rejects(ask(), { code: 'CONSUL_PERMISSION_DENIED', remedy });
    assert.deepEqual(tokens(consul), [sent]);
  });
}

test('a token is in no error, even where what refuses it repeats it', async (t) => {
  const { consul, ask } = await asking(t, { kind: 'value', token: 'good' });
  consul.script('leaf', () => textAnswer(502, 'bad request: X-Consul-Token: good'));
  assert.deepEqual(await errorOf(ask()), {
    code: 'CONSUL_UNEXPECTED_STATUS',
    error: 'Consul answered 502: bad request: X-Consul-Token: [redacted]',
    remedy: 'check the log of the Consul agent and servers',
  });
});

test('a token goes into its header and nowhere else', async (t) => {
  const { consul, ask } = await asking(t, { kind: 'value', token: 'good' });
  await ask();
  const { headers, url, body } = consul.requests[0] ?? assert.fail('there was no request');
  const { 'x-consul-token': token, ...others } = headers;
  assert.equal(token, 'good');
  assert.doesNotMatch(JSON.stringify([others, url, body]), /good/);
});
