import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { assertNoSecrets } from '../../e2e/support/secrets.ts';
import { makeJwtLogin } from './jwt-login.ts';
import {
  allOutput,
  assertSays,
  failure,
  folderFor,
  plain,
  recovered,
  startInto,
  useConsul,
} from './support.ts';

const MINIMAL = 'service "ambassador" { policy = "write" }';

const consul = useConsul({ acl: true });

for (const kind of ['value', 'file', 'login'] as const) {
  for (const status of [301, 307]) {
    test(`a redirect (${status}) is not followed with a token of kind ${kind}, and its target never sees a request`, async (t) => {
      const target = await listen(t, passOn);
      let redirecting = true;
      const front = await listen(t, (incoming, response) => {
        if (!redirecting) return passOn(incoming, response);
        response.writeHead(status, { location: `http://127.0.0.1:${target.port}${incoming.url}` }).end();
      });
      const { daemon, folder, secrets } = await startWithToken(t, kind, front.port);

      const line = await failure(daemon, 'CONSUL_REDIRECT');
      assertSays(line, new RegExp(`redirects \\(${status}\\)`), /no redirect is followed with a token/);
      assert.deepEqual(target.requests, []);

      redirecting = false;
      await recovered(daemon);
      await daemon.ready();
      assert.deepEqual(target.requests, []);
      assertNoSecrets(withoutFiles(daemon), secrets);
      assertHidden(await allOutput(daemon, folder), secrets);
    });
  }

  test(`a token of kind ${kind} goes into its header alone, and no output holds it, even where a refusal repeats it`, async (t) => {
    let refusing = false;
    const front = await listen(t, (incoming, response) => {
      if (!refusing) return passOn(incoming, response);
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const text = `rpc error: no: ${incoming.headers['x-consul-token'] ?? ''} ${Buffer.concat(chunks)}`;
        response.writeHead(500, { 'x-echo': String(incoming.headers['x-consul-token'] ?? '') }).end(text);
      });
    });
    if (kind === 'login') refusing = true;
    const { daemon, folder, secrets } = await startWithToken(t, kind, front.port);
    if (kind === 'login') {
      await failure(daemon, 'CONSUL_LOGIN_FAILED');
      refusing = false;
    }
    await daemon.ready();
    await recovered(daemon);

    refusing = true;
    await failure(daemon, 'CONSUL_UNEXPECTED_STATUS');
    refusing = false;
    await recovered(daemon);
    const output = await allOutput(daemon, folder);
    await daemon.stop();

    const sent = front.requests.map(({ token }) => token).filter((token) => token !== undefined);
    assert.ok(sent.length > 0);
    for (const token of sent) secrets.add(token);
    assertHidden(JSON.stringify(front.requests.map(({ token: _token, ...rest }) => rest)), secrets);
    assertNoSecrets(withoutFiles(daemon), secrets);
    assertHidden(output, secrets);
  });
}

interface Seen {
  readonly url: string;
  readonly token: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

type Handler = (incoming: IncomingMessage, response: ServerResponse) => void;

/** A server of the test's own that notes what it is asked. */
async function listen(t: TestContext, handle: Handler): Promise<{ port: number; requests: Seen[] }> {
  const requests: Seen[] = [];
  const server = createServer((incoming, response) => {
    const { 'x-consul-token': token, ...headers } = incoming.headers;
    requests.push({
      url: incoming.url ?? '',
      token: token === undefined ? undefined : String(token),
      headers,
    });
    handle(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, requests };
}

/** Stands before the real Consul. */
function passOn(incoming: IncomingMessage, response: ServerResponse): void {
  const { host, port } = consul().address;
  const { url: path, method, headers } = incoming;
  const onward = request({ host, port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

async function startWithToken(
  t: TestContext,
  kind: 'value' | 'file' | 'login',
  port: number,
): Promise<{ daemon: Daemon; folder: string; secrets: Set<string> }> {
  const folder = folderFor(t);
  const { env, secrets } = await credentials(t, kind);
  const where = { ...plain(consul()), ...env, _CONSUL_PORT: String(port), _LOG_LEVEL: 'trace' };
  return { daemon: startInto(t, folder, where), folder, secrets: new Set(secrets) };
}

async function credentials(
  t: TestContext,
  kind: 'value' | 'file' | 'login',
): Promise<{ env: Record<string, string>; secrets: string[] }> {
  if (kind === 'login') {
    const login = await makeJwtLogin(t, consul());
    await login.bind('ambassador');
    return { env: login.environment, secrets: [readFileSync(login.bearerTokenFile, 'utf8')] };
  }
  const token = await consul().makeToken(MINIMAL);
  if (kind === 'value') return { env: { CONSUL_HTTP_TOKEN: token }, secrets: [token] };
  const path = join(folderFor(t), 'token');
  writeFileSync(path, token);
  return { env: { CONSUL_HTTP_TOKEN_FILE: path }, secrets: [token] };
}

/** What a daemon says; its files hold a private key, and are meant to. */
function withoutFiles(daemon: Daemon): string {
  return daemon.stdout + daemon.stderr + daemon.served;
}

function assertHidden(text: string, secrets: Iterable<string>): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), 'a token stands there');
}
