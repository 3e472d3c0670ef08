import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertStops } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { bearerToken, type JwtLogin, type LoginToken, makeJwtLogin } from './jwt-login.ts';
import {
  assertNoFailure,
  assertSays,
  contents,
  failure,
  published,
  recovered,
  startInto,
  useConsul,
} from './support.ts';

/** A token lives for a minute and is renewed after four fifths of it. */
const RENEWED_WITHIN_MS = 58_000;

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

/** Resolves with the one token of the login, once it is another than `before`. */
function otherToken({ tokens }: JwtLogin, before?: LoginToken): Promise<LoginToken> {
  return eventually(
    'another token, and only that',
    async () => {
      const [token, ...others] = await tokens();
      return others.length === 0 && token?.AccessorID !== before?.AccessorID && token;
    },
    RENEWED_WITHIN_MS,
  );
}

// At once, since waiting for a renewal takes most of a minute.
describe('a login by an auth method', { concurrency: true }, () => {
  test('gives a token, which is used, and which is gone after SIGTERM', async (t) => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    const folder = temporary();
    const daemon = startInto(t, folder, login.environment);
    await daemon.ready();
    assert.ok(contents(folder)['tls.key'] !== undefined);
    assert.equal((await login.tokens()).length, 1, 'both queries share one login');

    await assertStops(daemon);

    assert.deepEqual(await login.tokens(), []);
    assertNoFailure(daemon);
  });

  test('is renewed before the token expires, and the old token is logged out', async (t) => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    const folder = temporary();
    const daemon = startInto(t, folder, login.environment);
    await daemon.ready();
    const [first] = await login.tokens();
    const before = contents(folder);

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

  test('without a binding rule that matches is refused with where to look, and works once there is one', async (t) => {
    const login = await makeJwtLogin(consul());
    const daemon = startInto(t, temporary(), login.environment);

    const remedy = new RegExp(`consul acl binding-rule list -method=${login.name}`);
    const cause = new RegExp(`the login with auth method "${login.name}" was refused`);
    assertSays(await failure(daemon, 'CONSUL_LOGIN_FAILED'), cause, remedy);
    await login.bind('ambassador');

    await daemon.ready();
    await recovered(daemon);
  });

  test('that grants another service names the binding rule to add, and works once there is one', async (t) => {
    const login = await makeJwtLogin(consul(), 'web');
    // A service of its own: a newer Consul (seen with 1.16) gives a leaf from its cache to any token.
    const daemon = startInto(t, temporary(), { ...login.environment, _CONSUL_SERVICE: 'billing' });

    const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');
    assertSays(line, /service:write/, /consul acl binding-rule create .* -bind-name=billing/);
    await login.bind('billing');

    await daemon.ready();
    await recovered(daemon);
    assert.equal((await login.tokens()).length, 1, 'the tokens without the permission were logged out');
  });

  test('with a bearer token that has expired is refused, and works once the file has another', async (t) => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    writeFileSync(login.bearerTokenFile, bearerToken('ambassador', -1_800));
    const daemon = startInto(t, temporary(), login.environment);

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(line, /was refused \(/, /the bearer token has expired/);
    writeFileSync(login.bearerTokenFile, bearerToken());

    await daemon.ready();
    await recovered(daemon);
  });

  test('with a bearer token of another signer names what to look at', async (t) => {
    const login = await makeJwtLogin(consul(), 'ambassador');
    const [head, claims] = bearerToken().split('.');
    const [, , signature] = bearerToken('another').split('.');
    writeFileSync(login.bearerTokenFile, [head, claims, signature].join('.'));
    const daemon = startInto(t, temporary(), login.environment);

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(line, /was refused \(/, /consul acl auth-method read -name=/);
  });

  test('by an auth method that does not exist names it, and how to list them', async (t) => {
    const login = await makeJwtLogin(consul());
    const env = { ...login.environment, CONSUL_LOGIN_AUTH_METHOD: 'nowhere' };
    const daemon = startInto(t, temporary(), env);

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(line, /no auth method "nowhere"/, /consul acl auth-method list/);
  });
});

test('a login whose token is revoked is followed by another, without a write', async (t) => {
  const login = await makeJwtLogin(consul(), 'ambassador');
  const { folder, before } = await published(t, login.environment);
  const daemon = startInto(t, folder, login.environment);
  const first = await otherToken(login);

  await consul().mustDelete(`/v1/acl/token/${first.AccessorID}`);
  // An agent gives a leaf from its cache to a token that was revoked, and refuses to sign another, as after a restart.
  await consul().restart({ wipe: false });

  await otherToken(login, first);
  await recovered(daemon);
  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);
  assert.deepEqual(contents(folder), before);
});
