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

for (const kind of ['value', 'file', 'login'] as const)
  test(`a token of kind ${kind} is sent in its header only: no redirect is followed with it, and no output has it, even when a refusal repeats it`, async (t) => {
    const target = await startServer(t, passOn);
    /** A redirect, a refusal with 500, or the answer of Consul. */
    let answer: 301 | 307 | 500 | 200 = 301;
    const front = await startServer(t, async (incoming, response) => {
      if (answer === 200) return passOn(incoming, response);
      const token = String(incoming.headers['x-consul-token'] ?? '');
      if (answer === 500) {
        const body = `rpc error: no: ${token} ${await text(incoming).catch(() => '')}`;
        return response.writeHead(500, { 'x-echo': token }).end(body);
      }
      const location = `http://127.0.0.1:${target.port}${incoming.url}`;
      return response.writeHead(answer, { location }).end();
    });
    const { env, secret } = await credentials(kind);
    const [folder, secrets] = [temporary(), new Set([secret])];
    const [_CONSUL_PORT, _LOG_LEVEL] = [String(front.port), 'trace'];
    const daemon = startInto(t, folder, { ...plain(consul()), ...env, _CONSUL_PORT, _LOG_LEVEL });
    const redirected =
      /^set _CONSUL_HOST and _CONSUL_PORT to its target: redirects are not followed with a token/;
    assertSays(await failure(daemon, 'CONSUL_REDIRECT'), /redirects \(301\)/, redirected);
    answer = 307;
    const second = await daemon.line(({ error }) => /redirects \(307\)/.test(String(error)));
    assert.equal(second['code'], 'CONSUL_REDIRECT');
    if (kind === 'login') {
      answer = 500;
      await failure(daemon, 'CONSUL_LOGIN_FAILED');
    }
    answer = 200;
    await daemon.ready();
    await recovered(daemon);

    answer = 500;
    await failure(daemon, 'CONSUL_UNEXPECTED_STATUS');
    answer = 200;
    await recovered(daemon);

    assert.deepEqual(target.requests, []);
    const sent = front.requests.flatMap(({ token }) => token ?? []);
    assert.ok(sent.length > 0);
    for (const token of sent) secrets.add(token);
    assertHidden(JSON.stringify(front.requests.map(({ token: _token, ...rest }) => rest)), secrets);
    await assertKept(daemon, folder, secrets);
  });

type Handler = (incoming: IncomingMessage, response: ServerResponse) => unknown;

/** A server of the test that records its requests. */
async function startServer(t: TestContext, handle: Handler) {
  const requests: { url: string | undefined; token: string | undefined; headers: object }[] = [];
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

/** The variables for a token of that kind, and the secret in them or in their file. */
async function credentials(
  kind: 'value' | 'file' | 'login',
): Promise<{ readonly env: Variables; readonly secret: string }> {
  if (kind === 'login') {
    const { environment: env, bearerTokenFile } = await makeJwtLogin(consul(), 'ambassador');
    return { env, secret: readFileSync(bearerTokenFile, 'utf8') };
  }
  const secret = await consul().makeToken(MINIMAL);
  if (kind === 'value') return { env: { CONSUL_HTTP_TOKEN: secret }, secret };
  const path = join(temporary(), 'token');
  writeFileSync(path, secret);
  return { env: { CONSUL_HTTP_TOKEN_FILE: path }, secret };
}

/** Checks that no output of the daemon has one of the secrets: its log, its status port, its files. */
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
