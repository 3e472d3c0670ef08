import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  assertSays,
  contents,
  failure,
  folderFor,
  plain,
  published,
  recovered,
  startInto,
  useConsul,
} from './support.ts';

const MINIMAL = 'service "ambassador" { policy = "write" }';
const ANONYMOUS = '00000000-0000-0000-0000-000000000002';

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

test(`the policy ${MINIMAL} is all it takes`, async (t) => {
  const folder = folderFor(t);
  const daemon = startInto(t, folder, {
    ...plain(consul()),
    CONSUL_HTTP_TOKEN: await consul().makeToken(MINIMAL),
  });
  await daemon.ready();

  assert.ok(contents(folder)['tls.key'] !== undefined);
  assert.ok(!daemon.logs.some(({ code }) => code !== undefined), daemon.stdout);
});

for (const less of ['service "ambassador" { policy = "read" }', 'service "web" { policy = "write" }', '']) {
  test(`${less === '' ? 'a token without a rule' : less} is too little: the log names the policy, the files stay, and attaching it is enough`, async (t) => {
    const { folder, before } = await publishedBefore(t);
    const name = `less-${randomUUID()}`;
    const policy = await consul().mustPut<{ ID: string }>('/v1/acl/policy', { Name: name, Rules: less });
    const token = await consul().mustPut<{ SecretID: string }>('/v1/acl/token', {
      Policies: [{ Name: name }],
    });
    const daemon = startInto(t, folder, { ...plain(consul()), CONSUL_HTTP_TOKEN: token.SecretID });

    const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');
    assertSays(
      line,
      /may not have the leaf/,
      /attach a policy with: service "ambassador" \{ policy = "write" \}/,
    );
    assert.match((await daemon.get('/readyz')).text, /attach a policy with: service "ambassador/);
    assert.deepEqual(contents(folder), before);

    await consul().mustPut(`/v1/acl/policy/${policy.ID}`, { Name: name, Rules: MINIMAL });
    await recovered(daemon);
    assert.deepEqual(contents(folder), before);
  });
}

test('16: 403 `Permission denied`, no token: the log names the variables and the policy, the files stay, and it recovers without a restart', async (t) => {
  const { folder, before } = await publishedBefore(t);
  const daemon = startInto(t, folder, plain(consul()));

  const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');
  assertSays(line, /./, /CONSUL_HTTP_TOKEN_FILE or CONSUL_LOGIN_AUTH_METHOD/);
  assertSays(line, /./, /service "ambassador" \{ policy = "write" \}/);
  assert.deepEqual(contents(folder), before);

  const name = `anonymous-${randomUUID()}`;
  await consul().mustPut('/v1/acl/policy', { Name: name, Rules: MINIMAL });
  await consul().mustPut(`/v1/acl/token/${ANONYMOUS}`, { Policies: [{ Name: name }] });
  try {
    await recovered(daemon);
    assert.deepEqual(contents(folder), before);
  } finally {
    await consul().mustPut(`/v1/acl/token/${ANONYMOUS}`, { Policies: [] });
  }
});

test('16: 403 `ACL not found`, an unknown token: the log says which variable to set, the files stay, and it recovers once Consul knows it', async (t) => {
  const { folder, before } = await publishedBefore(t);
  const unknown = randomUUID();
  const daemon = startInto(t, folder, { ...plain(consul()), CONSUL_HTTP_TOKEN: unknown });

  const line = await failure(daemon, 'CONSUL_TOKEN_UNKNOWN');
  assertSays(line, /does not know the ACL token/, /set CONSUL_HTTP_TOKEN to a token that exists/);
  assert.deepEqual(contents(folder), before);

  const name = `unknown-${randomUUID()}`;
  await consul().mustPut('/v1/acl/policy', { Name: name, Rules: MINIMAL });
  await consul().mustPut('/v1/acl/token', { SecretID: unknown, Policies: [{ Name: name }] });
  await recovered(daemon);
  assert.deepEqual(contents(folder), before);
});

test('20: token revoked and replaced: recovers without a restart; the log names the file, the files stay, and another token in that file is enough', async (t) => {
  const folder = folderFor(t);
  const tokenFile = join(folderFor(t), 'token');
  const token = await consul().makeToken(MINIMAL);
  await writeFile(tokenFile, `${token}\n`);
  const daemon = startInto(t, folder, { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: tokenFile });
  await daemon.ready();
  const before = contents(folder);

  await revoke(token);
  await forgetLeaves();
  const line = await failure(daemon, 'CONSUL_TOKEN_UNKNOWN');
  assertSays(line, /does not know the ACL token/, /into the file of CONSUL_HTTP_TOKEN_FILE/);
  assert.match((await daemon.get('/readyz')).text, /CONSUL_HTTP_TOKEN_FILE/);
  assert.deepEqual(contents(folder), before);

  await writeFile(`${tokenFile}.new`, await consul().makeToken(MINIMAL));
  await rename(`${tokenFile}.new`, tokenFile);
  await recovered(daemon);
  assert.deepEqual(contents(folder), before);
  assert.ok(daemon.running);
});

test('20: token file replaced while running: the new one is used without a failure', async (t) => {
  const tokenFile = join(folderFor(t), 'token');
  const token = await consul().makeToken(MINIMAL);
  await writeFile(tokenFile, token);
  const daemon = startInto(t, folderFor(t), { ...plain(consul()), CONSUL_HTTP_TOKEN_FILE: tokenFile });
  await daemon.ready();

  await writeFile(tokenFile, await consul().makeToken(MINIMAL));
  await revoke(token);
  await forgetLeaves();
  await failure(daemon, 'CONSUL_UNREACHABLE');
  await recovered(daemon);

  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);
});

async function good(): Promise<Record<string, string>> {
  return { ...plain(consul()), CONSUL_HTTP_TOKEN: await consul().makeToken(MINIMAL) };
}

/** A folder with what a daemon with a good token has published, and an agent that must sign the next leaf. */
async function publishedBefore(t: TestContext): ReturnType<typeof published> {
  const result = await published(t, await good());
  await forgetLeaves();
  return result;
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
