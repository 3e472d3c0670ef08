import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { makeAuthority, type PemPair } from '../../fixtures/servers/authority.ts';
import { listen } from '../listen.ts';
import {
  assertNoFailure,
  assertSays,
  contents,
  fails,
  failure,
  mutual,
  passes,
  plain,
  published,
  recovered,
  startInto,
  startReady,
  tlsOf,
  useConsul,
  type Variables,
} from './support.ts';

const consul = useConsul({ tls: { verifyIncoming: true } });
const tls = () => tlsOf(consul());

interface Failing {
  readonly what: string;
  /** Arranges the fault. Resolves with the variables, and with the fix, if there is one. */
  arrange(t: TestContext): Promise<{ env: Variables; fix?: () => void | Promise<void> }>;
  readonly code?: string;
  readonly cause: RegExp;
  readonly remedy: RegExp;
}

const FAILING: readonly Failing[] = [
  {
    what: 'a wrong CA is named as the cause, and the right one in that file is enough',
    async arrange() {
      const ca = join(temporary(), 'ca.pem');
      writeFileSync(ca, (await makeAuthority('Another')).certificate);
      return { env: { ...https(), CONSUL_CACERT: ca }, fix: () => copyFileSync(tls().caFile, ca) };
    },
    cause: /certificate is not signed by the trusted CA/,
    remedy: /set CONSUL_CACERT to the CA of the Consul servers/,
  },
  {
    what: 'an expired server certificate is named as the cause, and another is enough',
    async arrange(t) {
      await serveWith(t, await tls().authority.issue('expired', { days: -1 }));
      return { env: https(), fix: serveUsual };
    },
    cause: /server's certificate has expired/,
    remedy: /renew the certificate of the Consul server/,
  },
  {
    what: 'a wrong server name is named as the cause, and CONSUL_TLS_SERVER_NAME is enough',
    async arrange(t) {
      await serveWith(t, await tls().authority.issue('named', { names: 'DNS:server.dc1.consul' }));
      await works(t, { ...https(), CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' });
      return { env: https(), fix: serveUsual };
    },
    cause: /server's certificate is for another name/,
    remedy: /set CONSUL_TLS_SERVER_NAME to the name in it, such as server\.dc1\.consul/,
  },
  {
    what: 'plain HTTP to the HTTPS port is named as the cause',
    arrange: async () => ({ env: { ...mutual(consul()), _CONSUL_PORT: String(tls().port) } }),
    code: 'CONSUL_HTTP_TO_HTTPS',
    cause: /port serves HTTPS/,
    remedy: /set CONSUL_HTTP_SSL=true/,
  },
  {
    what: 'HTTPS to the HTTP port is named as the cause',
    arrange: async () => ({ env: { ...https(), ...plain(consul()) } }),
    cause: /port serves plain HTTP/,
    remedy: /set _CONSUL_PORT to the HTTPS port/,
  },
  {
    what: 'a missing client certificate is named as the cause',
    arrange: async () => ({ env: { ...https(), CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' } }),
    cause: /rejects the client certificate, or requires one/,
    remedy: /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/,
  },
  {
    what: 'a client certificate of another CA is named as the cause, and the right one in its files is enough',
    async arrange() {
      const { env, write } = clientFiles(await (await makeAuthority('Another')).issue('client'));
      const fix = async () => write(await tls().authority.issue('client'));
      return { env: { ...https(), ...env }, fix };
    },
    cause: /rejects the client certificate, or requires one/,
    remedy: /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY/,
  },
];

test('check passes over mutual TLS; a missing CA file is its first FAIL, and named', async () => {
  await passes(https());
  const missing = { ...https(), CONSUL_CACERT: '/nowhere/ca.pem' };
  const { detail, remedy } = await fails(missing, 'consul-tls', 'CONSUL_TLS');
  assert.match(`${detail} ${remedy}`, /\/nowhere\/ca\.pem/);
});

test('CONSUL_CAPATH, a folder of CAs, works', async (t) => {
  const folder = temporary();
  writeFileSync(join(folder, 'another.pem'), (await makeAuthority('Another')).certificate);
  copyFileSync(tls().caFile, join(folder, 'consul-agent-ca.pem'));
  await works(t, { ...https(), CONSUL_CACERT: '', CONSUL_CAPATH: folder });
});

test('CONSUL_HTTP_ADDR=https://… enables TLS, with a private CA and the client certificate that verify_incoming requires', async (t) => {
  await works(t, { ...mutual(consul()), CONSUL_HTTP_ADDR: `https://127.0.0.1:${tls().port}` });
});

// Every failure has this cause, and the first one the remedy, as has `check`; the files stay; a fix needs no restart.
for (const { what, arrange, code = 'CONSUL_TLS', cause, remedy } of FAILING)
  test(what, async (t) => {
    const { folder, before } = await published(t, plain(consul()));
    const { env, fix } = await arrange(t);
    const daemon = startInto(t, folder, env);
    assertSays(await failure(daemon, code), cause, remedy);
    const failures = () => daemon.logs.filter((line) => line['code'] !== undefined);
    await eventually('both queries failed', () => failures().length > 1, 10_000);
    for (const { error } of failures()) assert.match(String(error), cause);
    assert.match((await fails(env, 'consul-tls', code)).remedy ?? '', remedy);
    if (fix !== undefined) {
      await fix();
      await recovered(daemon);
    }
    assert.deepEqual(contents(folder), before);
  });

test('without verification any server certificate works, and every start warns', async (t) => {
  await serveWith(t, await (await makeAuthority('Another')).issue('any', { names: 'DNS:any', days: -1 }));
  for (let start = 0; start < 2; start += 1) {
    const daemon = await works(t, { ...https(), CONSUL_HTTP_SSL_VERIFY: 'false' });
    const { level } = await daemon.line(({ warning }) =>
      /TLS verification of Consul is disabled/.test(String(warning)),
    );
    assert.equal(level, 'warn');
  }
});

test('the next connection uses a client certificate that was renewed on disk', async (t) => {
  const first = await tls().authority.issue('first');
  const second = await tls().authority.issue('second');
  const { env, write } = clientFiles(first);
  const proxy = await startRecordingProxy(t);
  const CONSUL_HTTP_ADDR = `https://127.0.0.1:${proxy.port}`;
  const { daemon } = await startReady(t, { ...mutual(consul()), ...env, CONSUL_HTTP_ADDR });
  const serial = ({ certificate }: PemPair): string => new X509Certificate(certificate).serialNumber;
  assert.deepEqual([...new Set(proxy.serials)], [serial(first)]);
  const connections = proxy.serials.length;

  write(second);

  await eventually('the second certificate', () => proxy.serials.includes(serial(second)), 15_000);
  assert.deepEqual([...new Set(proxy.serials.slice(connections))], [serial(second)]);
  await recovered(daemon);
  assertNoFailure(daemon);
});

/** All that a connection needs. */
function https(): Record<string, string> {
  return { ...mutual(consul()), CONSUL_HTTP_SSL: 'true', _CONSUL_PORT: String(tls().port) };
}

/** Consul serves with that certificate during the test. */
async function serveWith(t: TestContext, certificate: PemPair): Promise<void> {
  t.after(serveUsual);
  await tls().serveWith(certificate);
}

async function serveUsual(): Promise<void> {
  await tls().serveWith(await tls().authority.issue('server'));
}

function clientFiles(first: PemPair) {
  const folder = temporary();
  const env = { CONSUL_CLIENT_CERT: join(folder, 'tls.crt'), CONSUL_CLIENT_KEY: join(folder, 'tls.key') };
  const write = ({ certificate, privateKey }: PemPair): void => {
    writeFileSync(env.CONSUL_CLIENT_CERT, certificate);
    writeFileSync(env.CONSUL_CLIENT_KEY, privateKey);
  };
  write(first);
  return { env, write };
}

async function works(t: TestContext, env: Variables): Promise<Daemon> {
  const { daemon, before } = await startReady(t, env);
  assert.ok(before['tls.key'] !== undefined);
  assertNoFailure(daemon);
  return daemon;
}

/** Terminates TLS in front of the plain port of Consul, and records the client certificates. */
async function startRecordingProxy(t: TestContext): Promise<{ port: number; serials: string[] }> {
  const { certificate, privateKey } = await tls().authority.issue('proxy');
  const serials: string[] = [];
  const ca = tls().authority.certificate;
  const options = { cert: certificate, key: privateKey, ca, requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (socket) => {
    serials.push(socket.getPeerCertificate().serialNumber);
    const upstream = connect(consul().address.port, consul().address.host);
    const end = (): void => {
      socket.destroy();
      upstream.destroy();
    };
    socket.on('error', end).on('close', end).pipe(upstream);
    upstream.on('error', end).on('close', end).pipe(socket);
  });
  return { port: await listen(t, server), serials };
}
