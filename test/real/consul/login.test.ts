import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { assertStops } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { bearerToken, type JwtLogin, type LoginToken, makeJwtLogin } from './jwt-login.ts';
import {
  assertSays,
  contents,
  fails,
  failure,
  passes,
  published,
  recovered,
  startInto,
  startReady,
  useConsul,
  type Variables,
} from './support.ts';

/** A token lives for a minute and is renewed after four fifths of it. */
const RENEWED_WITHIN_MS = 58_000;

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

/** Resolves with the one token of the login, once it is not `before`. */
function otherToken({ tokens }: JwtLogin, before?: LoginToken): Promise<LoginToken> {
  const isOther = async () => {
    const [token, ...others] = await tokens();
    return others.length === 0 && token?.AccessorID !== before?.AccessorID && token;
  };
  return eventually('another token, and only that', isOther, RENEWED_WITHIN_MS);
}

// Concurrent, because waiting for a renewal takes most of a minute.
describe('a login by an auth method', { concurrency: true }, () => {
  test('creates one token for both queries, is renewed before that expires, and is logged out then and after SIGTERM', async (t) => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    const { daemon, folder, before } = await startReady(t, login.environment);
    const [first, ...others] = await login.tokens();
    assert.deepEqual(others, [], 'both queries share one login');

    await otherToken(login, first);

    assert.ok(performance.now() - daemon.startedAt > 40_000, 'not before it was due');
    const answers = () => daemon.metric('consul_queries_total', 'query="leaf"', 'outcome="ok"');
    const count = await answers();
    await eventually('a query for the leaf with it', async () => (await answers()) > count);
    assert.deepEqual(contents(folder), before);
    assert.equal((await daemon.get('/readyz')).text.trim(), 'ok');
    await assertStops(daemon);
    assert.deepEqual(await login.tokens(), []);
  });

  test('passes in check, which logs it out', async () => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    await passes(login.environment);
    assert.deepEqual(await login.tokens(), []);
  });

  test('without a matching binding rule is refused, with the command that lists them, and works once there is one', async (t) => {
    const login = await makeJwtLogin(consul());
    const cause = new RegExp(`the login with auth method "${login.name}" was refused`);
    const remedy = new RegExp(`consul acl binding-rule list -method=${login.name}`);
    await failsUntil(t, login.environment, [cause, remedy], () => login.bind('ambassador'));
  });

  test('that grants another service names the binding rule to add, and works once there is one', async (t) => {
    const login = await makeJwtLogin(consul(), 'web');
    // A service of its own: a newer Consul (seen with 1.16) serves a leaf from its cache to any token.
    const env = { ...login.environment, _CONSUL_SERVICE: 'billing' };
    const says = [/service:write/, /consul acl binding-rule create .* -bind-name=billing/] as const;
    await failsUntil(t, env, says, () => login.bind('billing'), 'CONSUL_PERMISSION_DENIED');
    assert.equal((await login.tokens()).length, 1, 'the tokens without the permission were logged out');
  });

  test('with an expired bearer token is refused, and works once the file has another', async (t) => {
    const { bearerTokenFile, environment } = await makeJwtLogin(consul(), 'ambassador');
    writeFileSync(bearerTokenFile, bearerToken('ambassador', -1_800));
    await failsUntil(t, environment, [/was refused \(/, /the bearer token has expired/], () =>
      writeFileSync(bearerTokenFile, bearerToken()),
    );
  });

  test('with a bearer token of another signer names the command that shows the auth method', async (t) => {
    const { bearerTokenFile, environment } = await makeJwtLogin(consul(), 'ambassador');
    const [head, claims] = bearerToken().split('.');
    const [, , signature] = bearerToken('another').split('.');
    writeFileSync(bearerTokenFile, [head, claims, signature].join('.'));
    await failsUntil(t, environment, [/was refused \(/, /consul acl auth-method read -name=/]);
  });

  test('by an auth method that does not exist names it, and the command that lists them', async (t) => {
    const env = { ...(await makeJwtLogin(consul())).environment, CONSUL_LOGIN_AUTH_METHOD: 'nowhere' };
    await failsUntil(t, env, [/no auth method "nowhere"/, /consul acl auth-method list/]);
  });
});

test('a login whose token is revoked is followed by another, without a write', async (t) => {
  const login = await makeJwtLogin(consul(), 'ambassador');
  const { folder, before } = await published(t, login.environment);
  const daemon = startInto(t, folder, login.environment);
  const first = await otherToken(login);

  await consul().mustDelete(`/v1/acl/token/${first.AccessorID}`);
  // An agent serves a leaf from its cache to a token that was revoked; after a restart it must sign another, and refuses.
  await consul().restart({ wipe: false });

  await otherToken(login, first);
  await recovered(daemon);
  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);
  assert.deepEqual(contents(folder), before);
});

/**
 * A daemon fails with this cause and remedy, as does `check` if the login is refused. After `fix`, if there is one, the
 * daemon publishes and recovers.
 */
async function failsUntil(
  t: TestContext,
  env: Variables,
  [cause, remedy]: readonly [RegExp, RegExp],
  fix?: () => Promise<void> | void,
  code = 'CONSUL_LOGIN_FAILED',
): Promise<void> {
  const daemon = startInto(t, temporary(), env);
  assertSays(await failure(daemon, code), cause, remedy);
  if (code === 'CONSUL_LOGIN_FAILED') await fails(env, 'consul-token', code);
  if (fix === undefined) return;
  await fix();
  await daemon.ready();
  await recovered(daemon);
}
