import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { request } from 'undici';
import { createRoot } from '../certificates/factory.ts';
import { withIndex, withJson } from '../consul/answer.ts';
import { parseGoDuration } from '../consul/duration.ts';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../consul/embedded-consul.ts';
import { refusals } from '../consul/refusals.ts';
import type { Fault } from '../consul/script.ts';
import type { LeafJson, RootsJson } from '../consul/wire.ts';

const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf/ambassador';
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;

let running: EmbeddedConsul | undefined;

afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(options?: EmbeddedConsulOptions): Promise<EmbeddedConsul> {
  running = await startEmbeddedConsul(options);
  return running;
}

async function get<T>(consul: EmbeddedConsul, path: string, headers: Record<string, string> = {}) {
  // A connection for each request: one kept alive may be the one that a restart is about to end.
  const response = await request(consul.url + path, { headers, reset: true });
  const text = await response.body.text();
  const index = response.headers['x-consul-index']?.toString();
  const json = (): T => JSON.parse(text);
  return { status: response.statusCode, index, text, json };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function certificates(pem: string): X509Certificate[] {
  return (pem.match(PEM_BLOCK) ?? []).map((block) => new X509Certificate(block));
}

function signedBy(certificate: X509Certificate | undefined, issuer: X509Certificate | undefined): boolean {
  if (certificate === undefined || issuer === undefined) return false;
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

test('a leaf fits its key, its SPIFFE ID and the active root', async () => {
  const consul = await start();
  const roots = (await get<RootsJson>(consul, ROOTS)).json();
  const leaf = (await get<LeafJson>(consul, LEAF)).json();
  const [certificate, ...intermediates] = certificates(leaf.CertPEM);
  const active = roots.Roots.find((root) => root.ID === roots.ActiveRootID);
  const uri = `spiffe://${roots.TrustDomain}/ns/default/dc/dc1/svc/ambassador`;

  assert.match(roots.TrustDomain, /^[0-9a-f-]{36}\.consul$/);
  assert.match(roots.ActiveRootID, /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/);
  assert.deepEqual(intermediates, []);
  assert.ok(signedBy(certificate, new X509Certificate(active?.RootCert ?? '')));
  assert.ok(certificate?.checkPrivateKey(createPrivateKey(leaf.PrivateKeyPEM)));
  assert.match(leaf.PrivateKeyPEM, /^-----BEGIN EC PRIVATE KEY-----/);
  assert.equal(certificate?.subjectAltName, `URI:${uri}`);
  assert.equal(leaf.ServiceURI, uri);
});

test('a query with the present index waits, and a change ends the wait', async () => {
  const consul = await start();
  const first = await get<LeafJson>(consul, LEAF);
  const blocked = get<LeafJson>(consul, `${LEAF}?index=${first.index}&wait=50s`);
  await until(() => consul.open('leaf') === 1);

  await consul.renewLeaf('ambassador');

  const second = await blocked;
  assert.notEqual(second.json().SerialNumber, first.json().SerialNumber);
  assert.ok(BigInt(second.index ?? 0) > BigInt(first.index ?? 0));
});

test('a query whose wait is over gets the state as it is, at most a sixteenth later', async () => {
  const consul = await start();
  const { index, text } = await get(consul, ROOTS);
  const before = performance.now();

  const again = await get(consul, `${ROOTS}?index=${index}&wait=160ms`);

  const took = performance.now() - before;
  assert.ok(took >= 155 && took < 400, `took ${took} ms`);
  assert.deepEqual([again.index, again.text], [index, text]);
});

test('a wait without a unit and an index that is no number are refused', async () => {
  const consul = await start();

  const wait = await get(consul, `${LEAF}?index=1&wait=60`);
  const index = await get(consul, `${LEAF}?index=abc&wait=60s`);

  assert.deepEqual([wait.status, wait.text], [400, 'Invalid wait time']);
  assert.deepEqual([index.status, index.text], [400, 'Invalid index']);
  assert.equal(parseGoDuration('1m2.5s'), 62_500);
});

for (const crossSign of [true, false]) {
  test(`a rotation ${crossSign ? 'with' : 'without'} cross-signing shows both roots at once and the new leaf later`, async () => {
    const consul = await start();
    const oldRoot = new X509Certificate(consul.activeRoot.authority.certPem);
    const before = await get<LeafJson>(consul, LEAF);
    const blocked = get<LeafJson>(consul, `${LEAF}?index=${before.index}&wait=50s`);
    await until(() => consul.open('leaf') === 1);

    const { id } = await consul.rotateRoot({ crossSign, leafDelayMs: 150 });

    const roots = (await get<RootsJson>(consul, ROOTS)).json();
    assert.equal(roots.ActiveRootID, id);
    assert.deepEqual(
      roots.Roots.map((root) => [root.Active, root.IntermediateCerts?.length ?? 0]),
      [
        [true, crossSign ? 1 : 0],
        [false, 0],
      ],
    );
    assert.equal((await get(consul, LEAF)).text, before.text);
    const [leaf, crossSigned] = certificates((await blocked).json().CertPEM);
    assert.ok(signedBy(leaf, new X509Certificate(consul.activeRoot.authority.certPem)));
    assert.equal(signedBy(leaf, crossSigned) && signedBy(crossSigned, oldRoot), crossSign);
  });
}

test('a leaf is renewed by itself before it expires', async () => {
  const consul = await start({ leafTtlMs: 400 });
  const { index } = await get(consul, LEAF);

  const renewed = await get(consul, `${LEAF}?index=${index}&wait=5s`);

  assert.ok(BigInt(renewed.index ?? 0) > BigInt(index ?? 0));
});

test('a restart forgets the leaf, and the CA only when told', async () => {
  const consul = await start();
  const { trustDomain, url } = consul;
  const before = (await get<LeafJson>(consul, LEAF)).json();

  await consul.restart();
  const kept = (await get<LeafJson>(consul, LEAF)).json();
  assert.equal(consul.trustDomain, trustDomain);
  assert.notEqual(kept.SerialNumber, before.SerialNumber);

  await consul.restart({ keepCa: false });
  assert.notEqual(consul.trustDomain, trustDomain);
  assert.equal(consul.url, url);
});

test('a token is checked against the service', async () => {
  const consul = await start({ acl: { tokens: { good: { serviceWrite: ['ambassador'] } } } });
  const refused = { 'X-Consul-Token': 'other' };

  assert.equal((await get(consul, LEAF, { 'X-Consul-Token': 'good' })).status, 200);
  assert.equal((await get(consul, LEAF, refused)).text, 'ACL not found');
  assert.match((await get(consul, LEAF)).text, /^Permission denied: anonymous token lacks permission/);
  assert.match(
    (await get(consul, `${LEAF}-edge`, { 'X-Consul-Token': 'good' })).text,
    /^Permission denied: token with AccessorID '.+' lacks permission 'service:write' on "ambassador-edge"$/,
  );
});

test('a script changes the answer, and the request is recorded as it was sent', async () => {
  const consul = await start();
  consul.script('leaf', () => refusals.noClusterLeader);
  consul.script('roots', async (_request, truth) =>
    withIndex(
      withJson<RootsJson>(await truth.now(), (body) => ({ ...body, Roots: [] })),
      0,
    ),
  );

  const leaf = await get(consul, '/v1/agent/connect/ca/leaf/a%20b%2Fc');
  const roots = await get<RootsJson>(consul, ROOTS);
  consul.clearScripts();

  assert.deepEqual([leaf.status, leaf.text], [500, 'No cluster leader']);
  assert.deepEqual([roots.index, roots.json().Roots], ['0', []]);
  const [recorded] = consul.requests;
  assert.deepEqual([recorded?.path, recorded?.service], ['/v1/agent/connect/ca/leaf/a%20b%2Fc', 'a b/c']);
  assert.equal((await get(consul, LEAF)).status, 200);
});

for (const fault of ['reset', 'close', 'cut-in-body'] satisfies Fault[]) {
  test(`the fault ${fault} breaks the request`, async () => {
    const consul = await start();
    consul.script('any', () => fault);

    await assert.rejects(get(consul, ROOTS));
  });
}

for (const fault of ['hang', 'stall-after-headers'] satisfies Fault[]) {
  test(`the fault ${fault} lasts until the server closes`, async () => {
    const consul = await start();
    consul.script('roots', () => fault);
    const broken = assert.rejects(get(consul, ROOTS));
    await until(() => consul.open('roots') === 1);

    await consul.close();

    await broken;
  });
}

test('the factory makes every key type, empty DNs, intermediates and cross-signed authorities', async () => {
  const root = await createRoot({ keyType: 'rsa-2048', emptyDn: true });
  const other = await createRoot({ keyType: 'ec-p384', trustDomain: root.trustDomain });
  const intermediate = await root.issueIntermediate({ emptyDn: true });
  const rsaLeaf = await intermediate.issueLeaf({ service: 'ä', keyType: 'rsa-2048', keyFormat: 'pkcs8' });
  const otherLeaf = await other.issueLeaf({ service: 'ambassador', keyIdentifiers: false });
  const crossSigned = new X509Certificate((await root.crossSign(other)).certPem);

  const [leaf, issuer] = certificates(rsaLeaf.chainPem);
  const rootCertificate = new X509Certificate(root.certPem);
  assert.ok(signedBy(leaf, issuer) && signedBy(issuer, rootCertificate));
  assert.ok(signedBy(new X509Certificate(otherLeaf.certPem), crossSigned));
  assert.ok(signedBy(crossSigned, rootCertificate));
  assert.equal(issuer?.subject, undefined);
  assert.equal(leaf?.serialNumber, rsaLeaf.serial);
  assert.match(rsaLeaf.keyPem, /^-----BEGIN PRIVATE KEY-----/);
  assert.match(root.keyPem, /^-----BEGIN RSA PRIVATE KEY-----/);
  assert.equal(rsaLeaf.uri, `spiffe://${root.trustDomain}/ns/default/dc/dc1/svc/%C3%A4`);
});
