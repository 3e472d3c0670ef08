import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { makeAuthority, type PemPair } from '../../fixtures/servers/authority.ts';
import type { ConsulTls } from '../../fixtures/servers/real-consul.ts';
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

const consul = useConsul({ tls: { verifyIncoming: true } });

test('HTTPS with a private CA and a client certificate, which verify_incoming asks for, works', async (t) => {
  await works(t, { ...mutual(), CONSUL_HTTP_SSL: 'true', ...port() });
});

test('the CA may be one of a folder, CONSUL_CAPATH', async (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'another.pem'), (await makeAuthority('Another')).certificate);
  copyFileSync(tls().caFile, join(folder, 'consul-agent-ca.pem'));
  await works(t, {
    ...mutual(),
    CONSUL_CACERT: '',
    CONSUL_CAPATH: folder,
    CONSUL_HTTP_SSL: 'true',
    ...port(),
  });
});

test('CONSUL_HTTP_ADDR=https://… is enough to switch TLS on', async (t) => {
  await works(t, { ...mutual(), CONSUL_HTTP_ADDR: `https://127.0.0.1:${tls().port}` });
});

test('a wrong CA is told as such, and mended by the right one in that file', async (t) => {
  const ca = join(folderFor(t), 'ca.pem');
  writeFileSync(ca, (await makeAuthority('Another')).certificate);
  await failsUntil(
    t,
    { ...mutual(), CONSUL_HTTP_SSL: 'true', ...port(), CONSUL_CACERT: ca },
    {
      code: 'CONSUL_TLS',
      cause: /certificate is not signed by the CA that is trusted/,
      remedy: /set CONSUL_CACERT to the CA of the Consul servers/,
      mend: () => copyFileSync(tls().caFile, ca),
    },
  );
});

test('an expired server certificate is told as such, and mended by another', async (t) => {
  await tls().serveWith(await tls().authority.issue('expired', { days: -1 }));
  t.after(serveRightly);
  await failsUntil(
    t,
    { ...mutual(), CONSUL_HTTP_SSL: 'true', ...port() },
    {
      code: 'CONSUL_TLS',
      cause: /server's certificate has expired/,
      remedy: /renew the certificate of the Consul server/,
      mend: serveRightly,
    },
  );
});

test('a wrong server name is told as such, and mended by CONSUL_TLS_SERVER_NAME', async (t) => {
  await tls().serveWith(await tls().authority.issue('named', { names: 'DNS:server.dc1.consul' }));
  t.after(serveRightly);
  const env = { ...mutual(), CONSUL_HTTP_SSL: 'true', ...port() };
  await works(t, { ...env, CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' });
  await failsUntil(t, env, {
    code: 'CONSUL_TLS',
    cause: /server's certificate is for another name/,
    remedy: /set CONSUL_TLS_SERVER_NAME to the name in it, such as server\.dc1\.consul/,
    mend: serveRightly,
  });
});

test('plain HTTP to the HTTPS port is told as such', async (t) => {
  await failsUntil(t, port(), {
    code: 'CONSUL_HTTP_TO_HTTPS',
    cause: /port speaks HTTPS and was asked in HTTP/,
    remedy: /set CONSUL_HTTP_SSL=true/,
  });
});

test('HTTPS to the HTTP port is told as such', async (t) => {
  await failsUntil(
    t,
    { ...mutual(), CONSUL_HTTP_SSL: 'true', ...plain(consul()) },
    {
      code: 'CONSUL_TLS',
      cause: /port speaks plain HTTP and was asked in HTTPS/,
      remedy: /set _CONSUL_PORT to the HTTPS port/,
    },
  );
});

test('no client certificate is told as such', async (t) => {
  await failsUntil(
    t,
    { CONSUL_CACERT: tls().caFile, CONSUL_HTTP_SSL: 'true', ...port() },
    {
      code: 'CONSUL_TLS',
      cause: /does not accept the client certificate, or the lack of one/,
      remedy: /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/,
    },
  );
});

test('a client certificate of another CA is told as such, and mended by the right one in its files', async (t) => {
  const stranger = await (await makeAuthority('Another')).issue('client');
  const files = clientFiles(folderFor(t), stranger);
  await failsUntil(
    t,
    { ...mutual(), ...files.env, CONSUL_HTTP_SSL: 'true', ...port() },
    {
      code: 'CONSUL_TLS',
      cause: /does not accept the client certificate, or the lack of one/,
      remedy: /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/,
      mend: async () => files.write(await tls().authority.issue('client')),
    },
  );
});

test('verification off works with any server certificate, and warns at every start', async (t) => {
  await tls().serveWith(await (await makeAuthority('Another')).issue('any', { names: 'DNS:any', days: -1 }));
  t.after(serveRightly);
  const env = { ...mutual(), CONSUL_HTTP_SSL: 'true', CONSUL_HTTP_SSL_VERIFY: 'false', ...port() };
  for (let start = 0; start < 2; start += 1) {
    const daemon = await works(t, env);
    const warning = await daemon.line((line) =>
      /TLS verification of Consul is disabled/.test(String(line['warning'])),
    );
    assert.equal(warning['level'], 'warn');
  }
});

test('a client certificate renewed on disk is what the next connection shows', async (t) => {
  const first = await tls().authority.issue('first');
  const second = await tls().authority.issue('second');
  const files = clientFiles(folderFor(t), first);
  const proxy = await startRecordingProxy(t);
  const daemon = startInto(t, folderFor(t), {
    ...mutual(),
    ...files.env,
    CONSUL_HTTP_ADDR: `https://127.0.0.1:${proxy.port}`,
  });
  await daemon.ready();
  const serial = ({ certificate }: PemPair): string => new X509Certificate(certificate).serialNumber;
  assert.deepEqual([...new Set(proxy.serials)], [serial(first)]);
  const connections = proxy.serials.length;

  files.write(second);

  await eventually('the second certificate', () => proxy.serials.includes(serial(second)), 15_000);
  assert.deepEqual([...new Set(proxy.serials.slice(connections))], [serial(second)]);
  await recovered(daemon);
  assert.ok(!daemon.logs.some(({ code }) => code !== undefined), daemon.stdout);
});

function tls(): ConsulTls {
  const { tls } = consul();
  assert.ok(tls !== undefined);
  return tls;
}

function port(): Record<string, string> {
  return { _CONSUL_PORT: String(tls().port) };
}

function mutual(): Record<string, string> {
  const { caFile, clientCertificateFile, clientKeyFile } = tls();
  return {
    CONSUL_CACERT: caFile,
    CONSUL_CLIENT_CERT: clientCertificateFile,
    CONSUL_CLIENT_KEY: clientKeyFile,
  };
}

async function serveRightly(): Promise<void> {
  await tls().serveWith(await tls().authority.issue('server'));
}

function clientFiles(folder: string, first: PemPair) {
  mkdirSync(folder, { recursive: true });
  const env = { CONSUL_CLIENT_CERT: join(folder, 'tls.crt'), CONSUL_CLIENT_KEY: join(folder, 'tls.key') };
  const write = ({ certificate, privateKey }: PemPair): void => {
    writeFileSync(env.CONSUL_CLIENT_CERT, certificate);
    writeFileSync(env.CONSUL_CLIENT_KEY, privateKey);
  };
  write(first);
  return { env, write };
}

async function works(t: TestContext, env: Readonly<Record<string, string>>): Promise<Daemon> {
  const folder = folderFor(t);
  const daemon = startInto(t, folder, env);
  await daemon.ready();
  assert.ok(contents(folder)['tls.key'] !== undefined);
  assert.ok(!daemon.logs.some(({ code }) => code !== undefined), daemon.stdout);
  return daemon;
}

interface Failing {
  readonly code: string;
  readonly cause: RegExp;
  readonly remedy: RegExp;
  readonly mend?: () => void | Promise<void>;
}

/** Every failure has the one cause, and the first the remedy; what is published stays; once it is mended it works without a restart. */
async function failsUntil(
  t: TestContext,
  env: Readonly<Record<string, string>>,
  failing: Failing,
): Promise<void> {
  const { folder, before } = await published(t, plain(consul()));
  const daemon = startInto(t, folder, env);
  assertSays(await failure(daemon, failing.code), failing.cause, failing.remedy);
  await eventually('both questions failed', () => failures(daemon).length > 1, 10_000);
  for (const line of failures(daemon)) assert.match(String(line['error']), failing.cause);
  if (failing.mend !== undefined) {
    await failing.mend();
    await recovered(daemon);
  }
  assert.deepEqual(contents(folder), before);
}

function failures(daemon: Daemon) {
  return daemon.logs.filter(({ code }) => code !== undefined);
}

/** Ends TLS before the plain port of Consul, and notes which client certificates it is shown. */
async function startRecordingProxy(t: TestContext): Promise<{ port: number; serials: string[] }> {
  const { certificate, privateKey } = await tls().authority.issue('proxy');
  const serials: string[] = [];
  const server = createServer(
    {
      cert: certificate,
      key: privateKey,
      ca: tls().authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      serials.push(socket.getPeerCertificate().serialNumber);
      const upstream = connect(consul().address.port, consul().address.host);
      const end = (): void => {
        socket.destroy();
        upstream.destroy();
      };
      socket.on('error', end).on('close', end).pipe(upstream);
      upstream.on('error', end).on('close', end).pipe(socket);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address: string | AddressInfo | null = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, serials };
}
