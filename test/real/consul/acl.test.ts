import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporary } from '../../e2e/support/temporary.ts';
import {
  assertSays,
  contents,
  fails,
  failure,
  MINIMAL,
  passes,
  plain,
  published,
  recovered,
  startInto,
  startReady,
  useConsul,
  type Variables,
} from './support.ts';

const ANONYMOUS = '00000000-0000-0000-0000-000000000002';

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

for (const rules of ['service "ambassador" { policy = "read" }', 'service "web" { policy = "write" }', ''])
  test(`a token with ${rules === '' ? 'no rule' : rules} is rejected: the log names the policy, the files stay, and attaching that policy is enough`, async (t) => {
    const Name = `insufficient-${randomUUID()}`;
    const { ID } = await consul().mustPut<{ ID: string }>('/v1/acl/policy', { Name, Rules: rules });
    const token = await consul().mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name }] });
    await failsUntil(
      t,
      { CONSUL_HTTP_TOKEN: token.SecretID },
      ['consul-leaf', 'CONSUL_PERMISSION_DENIED'],
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
    ['consul-token', 'CONSUL_PERMISSION_DENIED'],
    [/./, new RegExp(`(?=.*${variables}).*service "ambassador" \\{ policy = "write" \\}`)],
    () => putMinimalToken(`/v1/acl/token/${ANONYMOUS}`, { AccessorID: ANONYMOUS }),
  );
});

test('16: 403 `ACL not found`, an unknown token: the log names the variable to set, the files stay, and it recovers once the token exists', async (t) => {
  const SecretID = randomUUID();
  await failsUntil(
    t,
    { CONSUL_HTTP_TOKEN: SecretID },
    ['consul-token', 'CONSUL_TOKEN_UNKNOWN'],
    [/the ACL token/, /set CONSUL_HTTP_TOKEN to a token that exists/],
    () => putMinimalToken('/v1/acl/token', { SecretID }),
  );
});

test('20: a token file replaced while running is used without a failure; after the token is revoked, the log names the file, and another token in it is enough', async (t) => {
  const file = join(temporary(), 'token');
  const replace = async () => {
    const token = await consul().makeToken(MINIMAL);
    await writeFile(`${file}.new`, `${token}\n`);
    await rename(`${file}.new`, file);
    return token;
  };
  const first = await replace();
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: file };
  const { daemon, folder, before } = await startReady(t, env);

  const second = await replace();
  await revoke(first);
  await forgetLeaves();
  await failure(daemon, 'CONSUL_UNREACHABLE');
  await recovered(daemon);
  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);

  await revoke(second);
  await forgetLeaves();
  const line = await failure(daemon, 'CONSUL_TOKEN_UNKNOWN');
  assertSays(line, /the ACL token/, /into the file of CONSUL_HTTP_TOKEN_FILE/);
  assert.match((await daemon.get('/readyz')).text, /CONSUL_HTTP_TOKEN_FILE/);
  assert.deepEqual(contents(folder), before);

  await replace();
  await recovered(daemon);
  assert.deepEqual(contents(folder), before);
});

test('a missing token file is the first FAIL of check, and named', async () => {
  const file = join(temporary(), 'token');
  const env = { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: file };

  const { detail } = await fails(env, 'consul-token', 'CONSUL_TOKEN_UNREADABLE');

  assert.ok(detail.includes(file), detail);
  await writeFile(file, await consul().makeToken(MINIMAL));
  await passes(env);
});

/**
 * A daemon with the policy MINIMAL publishes without a failure. With these credentials the log, `/readyz` and that row of
 * `check` name the remedy, and the files stay. After `allow` the daemon recovers, and `check` passes.
 */
async function failsUntil(
  t: TestContext,
  credentials: Variables,
  [row, code]: readonly [string, string],
  [cause, remedy]: readonly [RegExp, RegExp],
  allow: () => Promise<unknown>,
): Promise<void> {
  const token = await consul().makeToken(MINIMAL);
  const { folder, before } = await published(t, { ...plain(consul()), CONSUL_HTTP_TOKEN: token });
  await forgetLeaves();
  const env = { ...plain(consul()), ...credentials };
  const daemon = startInto(t, folder, env);

  assertSays(await failure(daemon, code), cause, remedy);
  assert.match((await daemon.get('/readyz')).text, remedy);
  assert.match((await fails(env, row, code)).remedy ?? '', remedy);
  assert.deepEqual(contents(folder), before);

  await allow();
  await recovered(daemon);
  await passes(env);
  assert.deepEqual(contents(folder), before);
}

/** Creates a token with the policy MINIMAL, or attaches that policy to one. */
async function putMinimalToken(path: string, fields: object): Promise<void> {
  const Name = `minimal-${randomUUID()}`;
  await consul().mustPut('/v1/acl/policy', { Name, Rules: MINIMAL });
  await consul().mustPut(path, { ...fields, Policies: [{ Name }] });
}

/**
 * An agent serves a leaf from its cache to a token that was revoked, and a newer one (seen with 1.16) to any token. After a
 * restart it must sign another leaf, which it refuses.
 */
async function forgetLeaves(): Promise<void> {
  await consul().restart({ wipe: false });
}

async function revoke(token: string): Promise<void> {
  const { AccessorID } = await consul().mustGet<{ AccessorID: string }>('/v1/acl/token/self', token);
  await consul().mustDelete(`/v1/acl/token/${AccessorID}`);
}
