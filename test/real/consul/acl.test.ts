import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporary } from '../../e2e/support/temporary.ts';
import {
  assertNoFailure,
  assertSays,
  contents,
  failure,
  MINIMAL,
  plain,
  published,
  recovered,
  startInto,
  useConsul,
  type Variables,
} from './support.ts';

const ANONYMOUS = '00000000-0000-0000-0000-000000000002';

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

test(`the policy ${MINIMAL} is enough`, async (t) => {
  const folder = temporary();
  const daemon = startInto(t, folder, await good());
  await daemon.ready();

  assert.ok(contents(folder)['tls.key'] !== undefined);
  assertNoFailure(daemon);
});

for (const less of ['service "ambassador" { policy = "read" }', 'service "web" { policy = "write" }', ''])
  test(`${less === '' ? 'a token without a rule' : less} is too little: the log names the policy, the files stay, and attaching it is enough`, async (t) => {
    const Name = `less-${randomUUID()}`;
    const { ID } = await consul().mustPut<{ ID: string }>('/v1/acl/policy', { Name, Rules: less });
    const token = await consul().mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name }] });
    await failsUntil(
      t,
      { CONSUL_HTTP_TOKEN: token.SecretID },
      'CONSUL_PERMISSION_DENIED',
      [/service:write/, /attach a policy with: service "ambassador" \{ policy = "write" \}/],
      () => consul().mustPut(`/v1/acl/policy/${ID}`, { Name, Rules: MINIMAL }),
    );
  });

test('16: 403 `Permission denied`, no token: the log names the variables and the policy, the files stay, and it recovers without a restart', async (t) => {
  t.after(() => consul().mustPut(`/v1/acl/token/${ANONYMOUS}`, { Policies: [] }));
  const variables = 'CONSUL_HTTP_TOKEN_FILE or CONSUL_LOGIN_AUTH_METHOD';
  await failsUntil(
    t,
    {},
    'CONSUL_PERMISSION_DENIED',
    [/./, new RegExp(`(?=.*${variables}).*service "ambassador" \\{ policy = "write" \\}`)],
    () => makeToken({ AccessorID: ANONYMOUS }),
  );
});

test('16: 403 `ACL not found`, an unknown token: the log names the variable to set, the files stay, and it recovers once the token exists', async (t) => {
  const SecretID = randomUUID();
  await failsUntil(
    t,
    { CONSUL_HTTP_TOKEN: SecretID },
    'CONSUL_TOKEN_UNKNOWN',
    [/the ACL token/, /set CONSUL_HTTP_TOKEN to a token that exists/],
    () => makeToken({ SecretID }),
  );
});

test('20: token revoked and replaced: recovers without a restart; the log names the file, the files stay, and another token in that file is enough', async (t) => {
  const folder = temporary();
  const tokenFile = join(temporary(), 'token');
  const token = await consul().makeToken(MINIMAL);
  await writeFile(tokenFile, `${token}\n`);
  const daemon = startInto(t, folder, { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: tokenFile });
  await daemon.ready();
  const before = contents(folder);

  await revoke(token);
  await forgetLeaves();
  const line = await failure(daemon, 'CONSUL_TOKEN_UNKNOWN');
  assertSays(line, /the ACL token/, /into the file of CONSUL_HTTP_TOKEN_FILE/);
  assert.match((await daemon.get('/readyz')).text, /CONSUL_HTTP_TOKEN_FILE/);
  assert.deepEqual(contents(folder), before);

  await writeFile(`${tokenFile}.new`, await consul().makeToken(MINIMAL));
  await rename(`${tokenFile}.new`, tokenFile);
  await recovered(daemon);
  assert.deepEqual(contents(folder), before);
  assert.ok(daemon.running);
});

test('20: token file replaced while running: the new one is used without a failure', async (t) => {
  const tokenFile = join(temporary(), 'token');
  const token = await consul().makeToken(MINIMAL);
  await writeFile(tokenFile, token);
  const daemon = startInto(t, temporary(), { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: tokenFile });
  await daemon.ready();

  await writeFile(tokenFile, await consul().makeToken(MINIMAL));
  await revoke(token);
  await forgetLeaves();
  await failure(daemon, 'CONSUL_UNREACHABLE');
  await recovered(daemon);

  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);
});

async function good(): Promise<Variables> {
  return { ...plain(consul()), CONSUL_HTTP_TOKEN: await consul().makeToken(MINIMAL) };
}

/** With these credentials log and `/readyz` name cause and remedy, the files stay, and after `allow` it recovers. */
async function failsUntil(
  t: TestContext,
  credentials: Variables,
  code: string,
  [cause, remedy]: readonly [RegExp, RegExp],
  allow: () => Promise<unknown>,
): Promise<void> {
  const { folder, before } = await published(t, await good());
  await forgetLeaves();
  const daemon = startInto(t, folder, { ...plain(consul()), ...credentials });

  assertSays(await failure(daemon, code), cause, remedy);
  assert.match((await daemon.get('/readyz')).text, remedy);
  assert.deepEqual(contents(folder), before);

  await allow();
  await recovered(daemon);
  assert.deepEqual(contents(folder), before);
}

/** A token with the least policy, or one that exists with it. */
async function makeToken(fields: {
  readonly SecretID?: string;
  readonly AccessorID?: string;
}): Promise<void> {
  const Name = `minimal-${randomUUID()}`;
  await consul().mustPut('/v1/acl/policy', { Name, Rules: MINIMAL });
  const path = fields.AccessorID === undefined ? '/v1/acl/token' : `/v1/acl/token/${fields.AccessorID}`;
  await consul().mustPut(path, { ...fields, Policies: [{ Name }] });
}

/**
 * An agent gives a leaf from its cache to a token that was revoked, and a newer one (seen with 1.16) to any token. It
 * refuses to sign another, as after a restart.
 */
async function forgetLeaves(): Promise<void> {
  await consul().restart({ wipe: false });
}

async function revoke(token: string): Promise<void> {
  const { AccessorID } = await consul().mustGet<{ AccessorID: string }>('/v1/acl/token/self', token);
  await consul().mustDelete(`/v1/acl/token/${AccessorID}`);
}
