import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConsulTlsConfig } from '../../../src/consul/endpoint.ts';
import { errorOfTransport } from '../../../src/consul/errors/transport.ts';
import { ServerList } from '../../../src/consul/servers.ts';
import { loadTls } from '../../../src/consul/tls.ts';
import { ConsulTransport } from '../../../src/consul/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import type { Authority, IssuedLeaf } from '../../fixtures/certificates/authority.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';
import { startConsul } from './asking.ts';

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
  return startConsul(t, { tls });
}

/** Sends a request to `consul` over one transport with `tls` each time it is called. */
function asking(t: TestContext, { host, port }: { host: string; port: number }, tls: ConsulTlsConfig) {
  const servers = new ServerList([{ host, port }]);
  const transport = new ConsulTransport({ ...WAY, servers, tls, clock: systemClock });
  t.after(() => transport.close());
  const message = { method: 'GET', path: '/v1/status/leader', token: undefined, deadlineMs: 60_000 } as const;
  return async () => (await transport.send(message, new AbortController().signal)).status;
}

async function clientFiles({ chainPem, keyPem }: IssuedLeaf) {
  const [certificateFile, keyFile] = await Promise.all([file(chainPem), file(keyPem)]);
  return { certificateFile, keyFile };
}

test('a CA is trusted from its file, from one of several, and from a folder of several', async (t) => {
  const [root, other] = await Promise.all([createRoot(), createRoot()]);
  const consul = await startTls(t, root);
  const caFolder = temporary();
  await writeFile(join(caFolder, 'a.pem'), other.certPem);
  await writeFile(join(caFolder, 'b.pem'), root.certPem);
  // As in a mounted Secret.
  await mkdir(join(caFolder, '..2026_01_01'));

  for (const ca of [
    { caFile: await file(root.certPem) },
    { caFile: await file(other.certPem + root.certPem) },
    { caFolder },
  ])
    assert.equal(await asking(t, consul, { ...PLAIN, ...ca })(), 200);
});

test('the name in the certificate can be another than the host, and verification can be switched off', async (t) => {
  const root = await createRoot();
  const consul = await startTls(t, root, { ipAddresses: [] });
  const caFile = await file(root.certPem);
  assert.equal(await asking(t, consul, { ...PLAIN, caFile, serverName: SERVER_NAME })(), 200);
  assert.equal(await asking(t, consul, { ...PLAIN, verify: false })(), 200);
});

const PAST = { notAfter: new Date(Date.now() - 60_000) };
for (const [what, isTrusted, server, cause, remedy] of [
  [
    'C7: a certificate of a CA that is not trusted',
    false,
    {},
    'is not signed by the trusted CA',
    /^set CONSUL_CACERT .* auto_encrypt .*\/v1\/connect\/ca\/roots\?pem=true$/,
  ],
  ['an expired certificate', true, PAST, 'has expired', /^renew the certificate of the Consul server/],
  [
    'a certificate for another name',
    true,
    { ipAddresses: [] },
    'is for another name',
    /CONSUL_TLS_SERVER_NAME/,
  ],
] as const) {
  test(`${what} is CONSUL_TLS with its own cause and remedy`, async (t) => {
    const [root, other] = await Promise.all([createRoot(), createRoot()]);
    const consul = await startTls(t, root, server);
    const caFile = await file((isTrusted ? root : other).certPem);
    await assert.rejects(asking(t, consul, { ...PLAIN, caFile })(), {
      code: 'CONSUL_TLS',
      message: new RegExp(`^TLS with ${consul.url}: the server's certificate ${cause} \\(`),
      remedy,
    });
  });
}

const NO_CLIENT = /the server rejects the client certificate, or requires one/;
const SET_CLIENT = /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY: Consul has verify_incoming set/;
for (const [code, cause, remedy] of [
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', NO_CLIENT, SET_CLIENT],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', NO_CLIENT, SET_CLIENT],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', NO_CLIENT, SET_CLIENT],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', NO_CLIENT, SET_CLIENT],
  ['ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY', /no TLS version or cipher/, /tls_cipher_suites/],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /no TLS version or cipher in common/, /TLS 1\.2 or newer/],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', /no TLS version or cipher/, /TLS 1\.2/],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', /no certificate for the requested name/, /CONSUL_TLS_SERVER_NAME/],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', /ended the handshake/, /log of the Consul server/],
] as const) {
  test(`the alert ${code} has its own cause and remedy`, () => {
    const error = errorOfTransport(Object.assign(new Error('alert'), { code }), OVER_TLS);
    assert.equal(error.code, 'CONSUL_TLS');
    assert.match(error.message, cause);
    assert.match(error.remedy ?? '', remedy);
  });
}

test('an HTTPS request to a plain HTTP port is CONSUL_TLS with its own cause and remedy', async (t) => {
  await assert.rejects(asking(t, await startConsul(t), PLAIN)(), {
    code: 'CONSUL_TLS',
    message: /the port serves plain HTTP/,
    remedy: 'set _CONSUL_PORT to the HTTPS port of Consul (8501 by convention), or CONSUL_HTTP_SSL=false',
  });
});

test('without a CA of its own the certificate is verified against those of the system', async (t) => {
  const consul = await startTls(t, await createRoot());
  await assert.rejects(asking(t, consul, PLAIN)(), { code: 'CONSUL_TLS' });
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

test('no TLS is no options', async () => {
  assert.equal(await loadTls(undefined), undefined);
});

for (const [what, field, content, named, variable] of [
  ['file that is none', 'caFile', { 'ca.pem': 'no secret at all' }, 'ca.pem', 'CONSUL_CACERT'],
  ['folder with a file that is none', 'caFolder', { 'notes.txt': 'x' }, 'notes.txt', 'CONSUL_CAPATH'],
  ['folder with no file', 'caFolder', {}, undefined, 'CONSUL_CAPATH'],
] as const) {
  test(`a CA ${what} is refused, with its name and variable, and is not quoted`, async () => {
    const folder = temporary();
    for (const [name, text] of Object.entries(content)) await writeFile(join(folder, name), text);
    const path = named === undefined ? folder : join(folder, named);
    await assert.rejects(loadTls({ ...PLAIN, [field]: field === 'caFile' ? path : folder }), {
      code: 'CONSUL_TLS',
      message: `${path} contains no CA certificate in PEM form`,
      remedy: new RegExp(`^set ${variable} `),
    });
  });
}

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
      remedy: `check that the path in ${variable} is mounted, and readable by the user of the connector`,
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
