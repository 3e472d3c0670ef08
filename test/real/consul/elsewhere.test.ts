import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { BROWSER, type Daemon } from '../../e2e/support/daemon.ts';
import { assertNoSecrets } from '../../e2e/support/secrets.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { forward } from '../../fixtures/servers/forward.ts';
import { listen } from '../listen.ts';
import { makeJwtLogin } from './jwt-login.ts';
import {
  assertSays,
  contents,
  failure,
  MINIMAL,
  plain,
  recovered,
  startInto,
  useConsul,
  type Variables,
} from './support.ts';

const consul = useConsul({ acl: true });

for (const [kind, credentials] of [
  ['value', tokenInVariable],
  ['file', tokenInFile],
  ['login', byLogin],
] as const) {
  for (const status of [301, 307]) {
    test(`a redirect (${status}) is not followed with a token of kind ${kind}, and its target receives no request`, async (t) => {
      const target = await startServer(t, passOn);
      let redirecting = true;
      const front = await startServer(t, (incoming, response) => {
        if (!redirecting) return passOn(incoming, response);
        response.writeHead(status, { location: `http://127.0.0.1:${target.port}${incoming.url}` }).end();
      });
      const { daemon, folder, secrets } = await start(t, await credentials(), front.port);

      const line = await failure(daemon, 'CONSUL_REDIRECT');
      assertSays(line, new RegExp(`redirects \\(${status}\\)`), /redirects are not followed with a token/);
      assert.deepEqual(target.requests, []);

      redirecting = false;
      await recovered(daemon);
      await daemon.ready();
      assert.deepEqual(target.requests, []);
      await assertKept(daemon, folder, secrets);
    });
  }

  test(`a token of kind ${kind} goes into its header alone, and no output has it, even where a refusal repeats it`, async (t) => {
    let refusing = kind === 'login';
    const front = await startServer(t, async (incoming, response) => {
      if (!refusing) return passOn(incoming, response);
      const token = String(incoming.headers['x-consul-token'] ?? '');
      const body = `rpc error: no: ${token} ${await text(incoming).catch(() => '')}`;
      response.writeHead(500, { 'x-echo': token }).end(body);
    });
    const { daemon, folder, secrets } = await start(t, await credentials(), front.port);
    if (refusing) await failure(daemon, 'CONSUL_LOGIN_FAILED');
    refusing = false;
    await daemon.ready();
    await recovered(daemon);

    refusing = true;
    await failure(daemon, 'CONSUL_UNEXPECTED_STATUS');
    refusing = false;
    await recovered(daemon);

    const sent = front.requests.flatMap(({ token }) => token ?? []);
    assert.ok(sent.length > 0);
    for (const token of sent) secrets.add(token);
    assertHidden(JSON.stringify(front.requests.map(({ token: _token, ...rest }) => rest)), secrets);
    await assertKept(daemon, folder, secrets);
  });
}

interface Seen {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

type Handler = (incoming: IncomingMessage, response: ServerResponse) => unknown;

/** A server of the test that records its requests. */
async function startServer(t: TestContext, handle: Handler): Promise<{ port: number; requests: Seen[] }> {
  const requests: Seen[] = [];
  const server = createServer((incoming, response) => {
    const { 'x-consul-token': token, ...headers } = incoming.headers;
    requests.push({ url: incoming.url, token: token === undefined ? undefined : String(token), headers });
    handle(incoming, response);
  });
  return { port: await listen(t, server), requests };
}

/** A reverse proxy of the real Consul. */
function passOn(incoming: IncomingMessage, response: ServerResponse): void {
  forward(incoming, response, new URL(`${consul().url}${incoming.url}`));
}

interface Credentials {
  readonly env: Variables;
  readonly secret: string;
}

async function tokenInVariable(): Promise<Credentials> {
  const secret = await consul().makeToken(MINIMAL);
  return { env: { CONSUL_HTTP_TOKEN: secret }, secret };
}

async function tokenInFile(): Promise<Credentials> {
  const secret = await consul().makeToken(MINIMAL);
  const path = join(temporary(), 'token');
  writeFileSync(path, secret);
  return { env: { CONSUL_HTTP_TOKEN_FILE: path }, secret };
}

async function byLogin(): Promise<Credentials> {
  const { environment, bearerTokenFile } = await makeJwtLogin(consul(), 'ambassador');
  return { env: environment, secret: readFileSync(bearerTokenFile, 'utf8') };
}

async function start(t: TestContext, { env, secret }: Credentials, port: number) {
  const folder = temporary();
  const where = { ...plain(consul()), ...env, _CONSUL_PORT: String(port), _LOG_LEVEL: 'trace' };
  return { daemon: startInto(t, folder, where), folder, secrets: new Set([secret]) };
}

/** No output of the daemon has one of the secrets: neither its log, nor its status port, nor its files. */
async function assertKept(daemon: Daemon, folder: string, secrets: ReadonlySet<string>): Promise<void> {
  for (const path of ['/', '/livez', '/readyz', '/metrics']) await daemon.get(path, BROWSER);
  const output = daemon.stdout + daemon.stderr + daemon.served;
  const files = Object.values(contents(folder)).map((file) => file?.text);
  // The files have a private key, as they must.
  assertNoSecrets(output, secrets);
  assertHidden(`${output}${files}`, secrets);
}

function assertHidden(output: string, secrets: ReadonlySet<string>): void {
  for (const secret of secrets) assert.ok(!output.includes(secret), 'it has a token');
}
