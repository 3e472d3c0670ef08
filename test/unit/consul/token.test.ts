import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TokenConfig } from '../../../src/consul/endpoint.ts';
import { fileToken } from '../../../src/consul/token.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { textAnswer } from '../../fixtures/consul/answer.ts';
import { clientOf, errorOf, getLeaf, serverOf, startConsul } from './clients.ts';

const signal = new AbortController().signal;
const ACL = { tokens: { good: { serviceWrite: ['ambassador'] }, weak: { serviceWrite: [] } } } as const;

async function tokenFile(content?: string): Promise<string> {
  const path = join(temporary(), 'token');
  if (content !== undefined) await writeFile(path, content);
  return path;
}

/** A Consul with ACLs, a query for its leaf, and the tokens that were sent. */
async function querying(t: TestContext, token: TokenConfig) {
  const consul = await startConsul(t, { acl: ACL });
  const connection = clientOf(t, { servers: [serverOf(consul)], token }).connect();
  return {
    consul,
    query: () => getLeaf(connection),
    tokens: () => consul.requests.map(({ headers }) => headers['x-consul-token']),
  };
}

test('after a refusal the request is sent again at once if the file has changed meanwhile', async (t) => {
  const path = await tokenFile('revoked');
  const { consul, query, tokens } = await querying(t, { kind: 'file', path });
  consul.script('leaf', async ({ headers }) => {
    if (headers['x-consul-token'] === 'revoked') await writeFile(path, 'good');
    return undefined;
  });
  await query();
  assert.deepEqual(tokens(), ['revoked', 'good']);
});

for (const [what, token, code, remedy] of [
  [
    'a token file that has not changed',
    { kind: 'file', path: await tokenFile('revoked') },
    'CONSUL_TOKEN_UNKNOWN',
    'put a token that exists into the file of CONSUL_HTTP_TOKEN_FILE; it is read again at once (consul acl token list)',
  ],
  [
    'a token without service:write',
    { kind: 'value', token: 'weak' },
    'CONSUL_PERMISSION_DENIED',
    'attach a policy with: service "ambassador" { policy = "write" }',
  ],
] as const) {
  test(`${what} is sent once, and the error has a remedy`, async (t) => {
    const { query, tokens } = await querying(t, token);
    await assert.rejects(query(), { code, remedy });
    assert.equal(tokens().length, 1);
  });
}

test('with a missing token file no request is sent', async (t) => {
  const { query, tokens } = await querying(t, { kind: 'file', path: await tokenFile() });
  await assert.rejects(query(), { code: 'CONSUL_TOKEN_UNREADABLE' });
  assert.deepEqual(tokens(), []);
});

const ONE_TOKEN = 'put the SecretID of one ACL token into it, and nothing else';
const READABLE =
  'check that the file in CONSUL_HTTP_TOKEN_FILE is mounted, and readable by the user of the connector';
for (const [what, content, problem, remedy] of [
  ['missing', undefined, 'cannot be read (ENOENT)', READABLE],
  ['empty', '', 'contains no token', ONE_TOKEN],
  ['blank', ' \n', 'contains no token', ONE_TOKEN],
  ['two lines', 'secret-one\nsecret-two\n', 'contains no token', ONE_TOKEN],
  ['a control character, which no header may contain', 'secret\u0000one', 'contains no token', ONE_TOKEN],
] as const) {
  test(`a token file (${what}) is an error that does not quote it`, async () => {
    const path = await tokenFile(content);
    assert.deepEqual(await errorOf(fileToken(path).current(signal)), {
      code: 'CONSUL_TOKEN_UNREADABLE',
      error: `the token file ${path} ${problem}`,
      remedy,
    });
  });
}

test('a token is in no error, even if the server that refuses it repeats it', async (t) => {
  const { consul, query } = await querying(t, { kind: 'value', token: 'good' });
  consul.script('leaf', () => textAnswer(502, 'bad request: X-Consul-Token: good'));
  assert.deepEqual(await errorOf(query()), {
    code: 'CONSUL_UNEXPECTED_STATUS',
    error: 'Consul answered 502: bad request: X-Consul-Token: [redacted]',
    remedy: 'check the log of the Consul agent and servers',
  });
});
