import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConsulTlsConfig } from '../../../src/consul/endpoint.ts';
import { errorOfTransport } from '../../../src/consul/errors/transport.ts';
import { loadTls } from '../../../src/consul/tls.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';
import { clientOf, getLeaf, serverOf, startConsul, TLS } from './clients.ts';

const OVER_TLS = { url: 'https://consul:8501', tls: true, inPod: false, hasAnswered: false };
const SERVER_NAME = 'server.dc1.consul';
const root = await createRoot();

async function file(content: string): Promise<string> {
  const path = join(temporary(), 'file.pem');
  await writeFile(path, content);
  return path;
}

/** Queries a Consul over TLS; its certificate of `root` is for this name or address. */
async function query(t: TestContext, tls: ConsulTlsConfig, names: object = { ipAddresses: ['127.0.0.1'] }) {
  const { chainPem, keyPem } = await root.issueLeaf({
    service: 'server',
    notBefore: new Date(Date.now() - 1_800_000),
    ...names,
  });
  const consul = await startConsul(t, { tls: { cert: chainPem, key: keyPem } });
  return getLeaf(clientOf(t, { servers: [serverOf(consul)], tls }).connect());
}

test('a CA is trusted from its file, from a file of several CAs, and from a folder of several files', async (t) => {
  const other = await createRoot();
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
    await query(t, { ...TLS, ...ca });
});

for (const [what, tls] of [
  ['CONSUL_TLS_SERVER_NAME is the name in the certificate', { serverName: SERVER_NAME }],
  ['verification is disabled', { verify: false, caFile: undefined }],
] as const) {
  test(`a certificate for another name is accepted if ${what}`, async (t) => {
    await query(t, { ...TLS, caFile: await file(root.certPem), ...tls }, { dnsNames: [SERVER_NAME] });
  });
}

const SET_CA = /^set CONSUL_CACERT .* auto_encrypt .*\/v1\/connect\/ca\/roots\?pem=true$/;
const NO_CLIENT = /the server rejects the client certificate, or requires one/;
const SET_CLIENT = /set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY: Consul has verify_incoming set/;
for (const [code, cause, remedy] of [
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /certificate is not signed by the trusted CA/, SET_CA],
  ['SELF_SIGNED_CERT_IN_CHAIN', /certificate is not signed by the trusted CA/, SET_CA],
  ['CERT_HAS_EXPIRED', /certificate has expired/, /^renew the certificate of the Consul server/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate is for another name/, /CONSUL_TLS_SERVER_NAME/],
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
  test(`C7: the failure ${code} has its own cause and remedy`, () => {
    const error = errorOfTransport(Object.assign(new Error('no'), { code }), OVER_TLS);
    assert.equal(error.code, 'CONSUL_TLS');
    assert.match(error.message, cause);
    assert.match(error.remedy ?? '', remedy);
  });
}

test('without a configured CA the certificate is verified against the CAs of the system', async (t) => {
  await assert.rejects(query(t, TLS), { code: 'CONSUL_TLS' });
});

for (const [what, field, content, named, variable] of [
  ['a file without a certificate', 'caFile', { 'ca.pem': 'no secret at all' }, 'ca.pem', 'CONSUL_CACERT'],
  ['a folder with such a file', 'caFolder', { 'notes.txt': 'x' }, 'notes.txt', 'CONSUL_CAPATH'],
  ['a folder without a file', 'caFolder', {}, undefined, 'CONSUL_CAPATH'],
] as const) {
  test(`${what} is rejected as a CA, with its path and variable, and is not quoted`, async () => {
    const folder = temporary();
    for (const [name, text] of Object.entries(content)) await writeFile(join(folder, name), text);
    const path = named === undefined ? folder : join(folder, named);
    await assert.rejects(loadTls({ ...TLS, [field]: field === 'caFile' ? path : folder }), {
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
  test(`a missing file or folder of ${variable} is an error with path and variable`, async () => {
    await assert.rejects(loadTls({ ...TLS, [field]: '/nowhere/at-all' }), {
      code: 'CONSUL_TLS',
      message: '/nowhere/at-all cannot be read (ENOENT)',
      remedy: `check that the path in ${variable} is mounted, and readable by the user of the connector`,
    });
  });
}

test('a client key that does not match the certificate is CONSUL_TLS, not CONSUL_UNREACHABLE', async (t) => {
  const [one, other] = await Promise.all(['a', 'b'].map((service) => root.issueLeaf({ service })));
  const [caFile, certificateFile, keyFile] = await Promise.all(
    [root.certPem, one?.chainPem, other?.keyPem].map((pem) => file(pem ?? '')),
  );

  await assert.rejects(query(t, { ...TLS, caFile, certificateFile, keyFile }), {
    code: 'CONSUL_TLS',
    remedy: /CONSUL_CLIENT_KEY/,
  });
});
