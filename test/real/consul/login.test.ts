import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertStops } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { bearerToken, makeJwtLogin } from './jwt-login.ts';
import {
  assertSays,
  contents,
  failure,
  folderFor,
  published,
  recovered,
  startInto,
  useConsul,
} from './support.ts';

/** A token lives for a minute and is renewed after four fifths of it. */
const RENEWED_WITHIN_MS = 58_000;

// On disk: a restart keeps the tokens.
const consul = useConsul({ acl: true, persistent: true });

// At once, since waiting for a renewal takes most of a minute.
describe('a login by an auth method', { concurrency: true }, () => {
  test('gives a token, which is used, and which is gone after SIGTERM', async (t) => {
    const login = await makeJwtLogin(t, consul());
    await login.bind('ambassador');
    const folder = folderFor(t);
    const daemon = startInto(t, folder, login.environment);
    await daemon.ready();
    assert.ok(contents(folder)['tls.key'] !== undefined);
    assert.equal((await login.tokens()).length, 1, 'both questions share one login');

    await assertStops(daemon);

    assert.deepEqual(await login.tokens(), []);
    assert.ok(!daemon.logs.some(({ code }) => code !== undefined), daemon.stdout);
  });

  test('is renewed before the token expires, and the old token is given back', async (t) => {
    const login = await makeJwtLogin(t, consul());
    await login.bind('ambassador');
    const folder = folderFor(t);
    const daemon = startInto(t, folder, login.environment);
    await daemon.ready();
    const [first] = await login.tokens();
    const before = contents(folder);

    const [second] = await eventually(
      'another token, and only that',
      async () => {
        const tokens = await login.tokens();
        return tokens.length === 1 && tokens[0]?.AccessorID !== first?.AccessorID && tokens;
      },
      RENEWED_WITHIN_MS,
    );
    assert.ok(second !== undefined);
    assert.ok(performance.now() - daemon.startedAt > 40_000, 'not before it was due');
    const answers = await daemon.metric('consul_queries_total', 'query="leaf"', 'outcome="ok"');
    await eventually(
      'the leaf is asked for with it',
      async () => (await daemon.metric('consul_queries_total', 'query="leaf"', 'outcome="ok"')) > answers,
    );

    assert.deepEqual(contents(folder), before);
    assert.equal((await daemon.get('/readyz')).text.trim(), 'ok');
    await assertStops(daemon);
    assert.deepEqual(await login.tokens(), []);
  });

  test('without a binding rule that matches is refused with where to look, and works once there is one', async (t) => {
    const login = await makeJwtLogin(t, consul());
    const daemon = startInto(t, folderFor(t), login.environment);

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(
      line,
      new RegExp(`the login by "${login.name}" was refused`),
      new RegExp(`consul acl binding-rule list -method=${login.name}`),
    );
    await login.bind('ambassador');

    await daemon.ready();
    await recovered(daemon);
  });

  test('that grants another service says which binding rule to add, and works once it is there', async (t) => {
    const login = await makeJwtLogin(t, consul());
    await login.bind('web');
    // No other test asks for it: a newer Consul (seen with 1.16) gives a leaf from its cache to any token.
    const daemon = startInto(t, folderFor(t), { ...login.environment, _CONSUL_SERVICE: 'billing' });

    const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');
    assertSays(line, /may not have the leaf/, /consul acl binding-rule create .* -bind-name=billing/);
    await login.bind('billing');

    await daemon.ready(20_000);
    await recovered(daemon);
    assert.equal((await login.tokens()).length, 1, 'the tokens that were too little were given back');
  });

  test('with a bearer token that has expired is refused, and works once the file holds another', async (t) => {
    const login = await makeJwtLogin(t, consul());
    await login.bind('ambassador');
    writeFileSync(login.bearerTokenFile, bearerToken('ambassador', -1_800));
    const daemon = startInto(t, folderFor(t), login.environment);

    assertSays(
      await failure(daemon, 'CONSUL_LOGIN_FAILED'),
      /was refused \(/,
      /the bearer token has expired/,
    );
    writeFileSync(login.bearerTokenFile, bearerToken());

    await daemon.ready();
    await recovered(daemon);
  });

  test('with a bearer token that another has signed says what to look at', async (t) => {
    const login = await makeJwtLogin(t, consul());
    await login.bind('ambassador');
    const [head, claims] = bearerToken().split('.');
    const [, , signature] = bearerToken('somebody').split('.');
    writeFileSync(login.bearerTokenFile, [head, claims, signature].join('.'));
    const daemon = startInto(t, folderFor(t), login.environment);

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(line, /was refused \(/, /consul acl auth-method read -name=/);
  });

  test('by an auth method that is not there names it, and how to list them', async (t) => {
    const login = await makeJwtLogin(t, consul());
    const daemon = startInto(t, folderFor(t), { ...login.environment, CONSUL_LOGIN_AUTH_METHOD: 'nowhere' });

    const line = await failure(daemon, 'CONSUL_LOGIN_FAILED');
    assertSays(line, /no auth method "nowhere"/, /consul acl auth-method list/);
  });
});

test('a login whose token is revoked is followed by another, without a write', async (t) => {
  const login = await makeJwtLogin(t, consul());
  await login.bind('ambassador');
  const { folder, before } = await published(t, login.environment);
  const daemon = startInto(t, folder, login.environment);
  const [first] = await eventually(
    'a token',
    async () => {
      const tokens = await login.tokens();
      return tokens.length === 1 && tokens;
    },
    10_000,
  );

  await consul().mustDelete(`/v1/acl/token/${first?.AccessorID}`);
  // An agent gives a leaf from its cache to a token that was revoked, and refuses to sign another, as after a restart.
  await consul().restart({ wipe: false });

  const [second] = await eventually(
    'another token',
    async () => {
      const tokens = await login.tokens();
      return tokens.length === 1 && tokens;
    },
    20_000,
  );
  assert.notEqual(second?.AccessorID, first?.AccessorID);
  await recovered(daemon);
  assert.ok(!daemon.logs.some(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN'), daemon.stdout);
  assert.deepEqual(contents(folder), before);
});
