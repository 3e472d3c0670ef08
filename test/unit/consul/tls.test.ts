import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:tls';
import type { ConsulTlsConfig } from '../../../src/consul/endpoint.ts';
import { errorOfTransport } from '../../../src/consul/errors/transport.ts';
import { ServerList } from '../../../src/consul/servers.ts';
import { loadTls } from '../../../src/consul/tls.ts';
import { ConsulTransport } from '../../../src/consul/transport.ts';
import { describeError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import type { Authority, IssuedLeaf } from '../../fixtures/certificates/authority.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';
import { type EmbeddedConsul, startEmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';

const PLAIN: ConsulTlsConfig = {
  caFile: undefined,
  caFolder: undefined,
  certificateFile: undefined,
  keyFile: undefined,
  serverName: undefined,
  verify: true,
};
const WAY = { httpAuth: undefined, inPod: false };
const OVER_TLS = { url: 'https://consul:8501', tls: true, inPod: false, hasAnswered: false };
const SERVER_NAME = 'server.dc1.consul';

async function file(content: string): Promise<string> {
  const path = join(temporary(), 'file.pem');
  await writeFile(path, content);
  return path;
}

interface ServerOptions {
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly notAfter?: Date;
  readonly clientCa?: string;
}

async function startTls(t: TestContext, authority: Authority, options: ServerOptions = {}) {
  const { clientCa, ...names } = options;
  const { chainPem, keyPem } = await authority.issueLeaf({
    service: 'server',
    dnsNames: [SERVER_NAME],
    ipAddresses: ['127.0.0.1'],
    notBefore: new Date(Date.now() - 1_800_000),
    ...names,
  });
  const tls = { cert: chainPem, key: keyPem, ...(clientCa === undefined ? {} : { clientCa }) };
  const consul = await startEmbeddedConsul({ tls });
  t.after(() => consul.close());
  return consul;
}

/** Asks `consul` with `tls`, over one transport, as often as it is called. */
function asking(t: TestContext, consul: EmbeddedConsul, tls: ConsulTlsConfig) {
  const servers = new ServerList([{ host: consul.host, port: consul.port }]);
  const transport = new ConsulTransport({ ...WAY, servers, tls, clock: systemClock });
  t.after(() => transport.close());
  const message = { method: 'GET', path: '/v1/status/leader', token: undefined, deadlineMs: 60_000 } as const;
  return async () => (await transport.send(message, new AbortController().signal)).status;
}

async function clientFiles({ chainPem, keyPem }: IssuedLeaf) {
  const [certificateFile, keyFile] = await Promise.all([file(chainPem), file(keyPem)]);
  return { certificateFile, keyFile };
}

test('a private CA is trusted from its file, and from a folder of several', async (t) => {
  const [root, other] = await Promise.all([createRoot(), createRoot()]);
  const consul = await startTls(t, root);
  const caFolder = temporary();
  await writeFile(join(caFolder, 'a.pem'), other.certPem);
  await writeFile(join(caFolder, 'b.pem'), root.certPem);
  // As in a mounted Secret.
  await mkdir(join(caFolder, '..2026_01_01'));

  assert.equal(await asking(t, consul, { ...PLAIN, caFile: await file(root.certPem) })(), 200);
  assert.equal(await asking(t, consul, { ...PLAIN, caFolder })(), 200);
});

test('a file of several CA certificates is trusted whole', async (t) => {
  const [root, other] = await Promise.all([createRoot(), createRoot()]);
  const consul = await startTls(t, root);

  assert.equal(
    await asking(t, consul, { ...PLAIN, caFile: await file(other.certPem + root.certPem) })(),
    200,
  );
});

test('the name to expect in the certificate can be another than the host', async (t) => {
  const root = await createRoot();
  const consul = await startTls(t, root, { ipAddresses: [] });
  const tls = { ...PLAIN, caFile: await file(root.certPem) };

  assert.equal(await asking(t, consul, { ...tls, serverName: SERVER_NAME })(), 200);
});

for (const [what, make, cause, remedy] of [
  [
    'C7: a certificate of a CA that is not trusted',
    {},
    "the server's certificate is not signed by the CA that is trusted",
    'set CONSUL_CACERT to the CA of the Consul servers (consul-agent-ca.pem); for an agent with auto_encrypt that is the Connect CA: GET /v1/connect/ca/roots?pem=true',
  ],
  [
    'an expired certificate',
    { trusted: true, server: { notAfter: new Date(Date.now() - 60_000) } },
    "the server's certificate has expired",
    'renew the certificate of the Consul server (consul tls cert create -server), or mend the clock',
  ],
  [
    'a certificate for another name',
    { trusted: true, server: { ipAddresses: [] } },
    "the server's certificate is for another name",
    'set CONSUL_TLS_SERVER_NAME to the name in it, such as server.dc1.consul',
  ],
] as const) {
  test(`${what} is CONSUL_TLS with its own cause and remedy`, async (t) => {
    const options: { trusted?: boolean; server?: ServerOptions } = make;
    const [root, other] = await Promise.all([createRoot(), createRoot()]);
    const consul = await startTls(t, root, options.server);
    const caFile = await file((options.trusted === true ? root : other).certPem);

    await assert.rejects(asking(t, consul, { ...PLAIN, caFile })(), (error: Error) => {
      assert.ok(error.message.startsWith(`TLS with ${consul.url}: ${cause} (`), error.message);
      assert.deepEqual(describeError(error), { code: 'CONSUL_TLS', error: error.message, remedy });
      return true;
    });
  });
}

for (const code of ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE']) {
  test(`a client certificate that is lacking or refused, as ${code} says, is CONSUL_TLS with its own remedy`, () => {
    const alert = Object.assign(new Error('alert'), { code });

    assert.deepEqual(describeError(errorOfTransport(alert, OVER_TLS)), {
      code: 'CONSUL_TLS',
      error: `TLS with https://consul:8501: the server does not accept the client certificate, or the lack of one (${code})`,
      remedy: 'set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY: Consul has verify_incoming set',
    });
  });
}

test('a server that speaks no TLS version in common is told as such, not as a matter of certificates', async (t) => {
  const { chainPem, keyPem } = await (await createRoot()).issueLeaf({ service: 'server' });
  // OpenSSL allows versions below 1.2 only at security level 0.
  const old = createServer({
    cert: chainPem,
    key: keyPem,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  old.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  t.after(() => old.close());
  const bound = old.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const servers = new ServerList([{ host: '127.0.0.1', port }]);
  const transport = new ConsulTransport({
    ...WAY,
    servers,
    tls: { ...PLAIN, verify: false },
    clock: systemClock,
  });
  t.after(() => transport.close());

  const message = { method: 'GET', path: '/', token: undefined, deadlineMs: 10_000 } as const;
  await assert.rejects(transport.send(message, new AbortController().signal), {
    code: 'CONSUL_TLS',
    message: /no TLS version or cipher in common \(\w*ALERT_PROTOCOL_VERSION\)$/,
    remedy: /TLS 1\.2 or newer/,
  });
});

for (const [code, cause, remedy] of [
  ['ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY', /no TLS version or cipher/, /tls_cipher_suites/],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', /no TLS version or cipher/, /TLS 1\.2/],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', /no certificate for the name/, /CONSUL_TLS_SERVER_NAME/],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', /ended the handshake/, /log of the Consul server/],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not accept the client certificate/, /CONSUL_CLIENT_CERT/],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /does not accept the client certificate/, /CONSUL_CLIENT_CERT/],
] as const) {
  test(`the alert ${code} has its own cause and remedy`, () => {
    const error = errorOfTransport(Object.assign(new Error('alert'), { code }), OVER_TLS);

    assert.match(error.message, cause);
    assert.match(error.remedy ?? '', remedy);
  });
}

test('a plain HTTP port that is asked in HTTPS is CONSUL_TLS with its own cause and remedy', async (t) => {
  const consul = await startEmbeddedConsul();
  t.after(() => consul.close());

  await assert.rejects(asking(t, consul, PLAIN)(), {
    code: 'CONSUL_TLS',
    message: /: the port speaks plain HTTP and was asked in HTTPS \(/,
    remedy: 'set _CONSUL_PORT to the HTTPS port of Consul (8501 by convention), or CONSUL_HTTP_SSL=false',
  });
});

test('verification can be switched off', async (t) => {
  const consul = await startTls(t, await createRoot(), { ipAddresses: [] });

  assert.equal(await asking(t, consul, { ...PLAIN, verify: false })(), 200);
});

test('without a CA of its own the certificate is verified against those of the system', async (t) => {
  const consul = await startTls(t, await createRoot());

  await assert.rejects(asking(t, consul, PLAIN)(), { code: 'CONSUL_TLS' });
});

test('a question between the two files of a renewal waits for the second one', async (t) => {
  const root = await createRoot();
  const consul = await startTls(t, root, { clientCa: root.certPem });
  const [first, second] = await Promise.all(['a', 'b'].map((service) => root.issueLeaf({ service })));
  assert.ok(first !== undefined && second !== undefined);
  const files = await clientFiles(first);
  const ask = asking(t, consul, {
    ...PLAIN,
    caFile: await file(root.certPem),
    serverName: SERVER_NAME,
    ...files,
  });

  await writeFile(files.certificateFile, second.chainPem);
  const asked = ask();
  await sleep(200);
  await writeFile(files.keyFile, second.keyPem);

  assert.equal(await asked, 200);
});

test('a client certificate that is renewed on disk is used by the next connection', async (t) => {
  const [root, clients] = await Promise.all([createRoot(), createRoot()]);
  const consul = await startTls(t, root, { clientCa: clients.certPem });
  const [wrong, right] = await Promise.all([
    root.issueLeaf({ service: 'client' }),
    clients.issueLeaf({ service: 'client' }),
  ]);
  const files = await clientFiles(wrong);
  const ask = asking(t, consul, { ...PLAIN, ...files, caFile: await file(root.certPem) });
  // Node's server closes without the alert that Consul's sends.
  await assert.rejects(ask(), { name: 'ConsulError' });

  await Promise.all([
    writeFile(files.certificateFile, right.chainPem),
    writeFile(files.keyFile, right.keyPem),
  ]);

  assert.equal(await ask(), 200);
});

test('a CA file that changes is read again', async (t) => {
  const [root, other] = await Promise.all([createRoot(), createRoot()]);
  const consul = await startTls(t, root);
  const caFile = await file(root.certPem);
  const ask = asking(t, consul, { ...PLAIN, caFile });
  assert.equal(await ask(), 200);

  await writeFile(caFile, other.certPem);
  await assert.rejects(ask(), { code: 'CONSUL_TLS' });
  await writeFile(caFile, root.certPem);
  assert.equal(await ask(), 200);
});

test('the fingerprint tells whether a file has changed', async () => {
  const [root, other] = await Promise.all([createRoot(), createRoot()]);
  const caFile = await file(root.certPem);
  const read = async () => (await loadTls({ ...PLAIN, caFile }))?.fingerprint;
  const before = await read();

  assert.equal(await read(), before);
  await writeFile(caFile, other.certPem);
  assert.notEqual(await read(), before);
});

test('no TLS is no options', async () => {
  assert.equal(await loadTls(undefined), undefined);
});

test('a CA file that is none is refused, with file and variable, and is not quoted', async () => {
  const path = await file('no secret at all');

  await assert.rejects(loadTls({ ...PLAIN, caFile: path }), {
    code: 'CONSUL_TLS',
    message: `${path} holds no CA certificate in PEM form`,
    remedy: "set CONSUL_CACERT to the CA of Consul's HTTPS port, such as consul-agent-ca.pem",
  });
});

test('a folder with a file that is no CA, or with none at all, is refused, with its variable', async () => {
  const caFolder = temporary();
  await assert.rejects(loadTls({ ...PLAIN, caFolder }), {
    code: 'CONSUL_TLS',
    message: `${caFolder} holds no CA certificate in PEM form`,
    remedy: /CONSUL_CAPATH/,
  });

  await writeFile(join(caFolder, 'notes.txt'), 'x');

  await assert.rejects(loadTls({ ...PLAIN, caFolder }), {
    code: 'CONSUL_TLS',
    message: `${join(caFolder, 'notes.txt')} holds no CA certificate in PEM form`,
    remedy: /CONSUL_CAPATH/,
  });
});

for (const [field, variable] of [
  ['caFile', 'CONSUL_CACERT'],
  ['caFolder', 'CONSUL_CAPATH'],
  ['certificateFile', 'CONSUL_CLIENT_CERT'],
  ['keyFile', 'CONSUL_CLIENT_KEY'],
] as const) {
  test(`what ${variable} names is missing: an error with path and variable`, async () => {
    await assert.rejects(loadTls({ ...PLAIN, [field]: '/nowhere/at-all' }), {
      code: 'CONSUL_TLS',
      message: '/nowhere/at-all cannot be read (ENOENT)',
      remedy: `see that what ${variable} names is mounted, and readable by the user this runs as`,
    });
  });
}

test('a key that is not that of the certificate is CONSUL_TLS, not CONSUL_UNREACHABLE', async (t) => {
  const root = await createRoot();
  const consul = await startTls(t, root);
  const [one, other] = await Promise.all([
    root.issueLeaf({ service: 'a' }),
    root.issueLeaf({ service: 'b' }),
  ]);
  const files = await clientFiles({ ...one, keyPem: other.keyPem });

  await assert.rejects(asking(t, consul, { ...PLAIN, ...files, caFile: await file(root.certPem) })(), {
    code: 'CONSUL_TLS',
    remedy: /CONSUL_CLIENT_KEY/,
  });
});
