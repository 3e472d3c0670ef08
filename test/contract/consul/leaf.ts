import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import {
  activeRoot,
  certificatesOf,
  goTime,
  indexOf,
  isSignedBy,
  readLeaf,
  readRoots,
  typed,
  typesOf,
} from './reading.ts';
import { type ConsulServers, call, leafPath, ROOTS } from './servers.ts';

const CLIENT_AND_SERVER = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

export function declareLeaf(servers: () => ConsulServers): void {
  const leaf = (service: string, query = '') => call(`${servers().open}${leafPath(service)}${query}`);

  test('a leaf has one certificate signed by the active root, its key, its SPIFFE ID and its other fields', async () => {
    const roots = readRoots(await call(servers().open + ROOTS));
    const answer = await leaf('formed');

    const body = readLeaf(answer);
    const strings = 'CertPEM PrivateKeyPEM SerialNumber Service ServiceURI ValidAfter ValidBefore';
    assert.deepEqual(typesOf(body), {
      ...typed(strings, 'string'),
      ...typed('CreateIndex ModifyIndex', 'number'),
    });
    const [certificate, ...others] = certificatesOf(body.CertPEM);
    assert.ok(certificate !== undefined);
    assert.deepEqual(others, []);
    const root = new X509Certificate(activeRoot(roots).RootCert);
    assert.ok(isSignedBy(certificate, root) && certificate.checkIssued(root) && !certificate.ca);
    const uri = `spiffe://${roots.TrustDomain}/ns/default/dc/dc1/svc/formed`;
    assert.deepEqual(
      [body.Service, body.ServiceURI, certificate.subjectAltName],
      ['formed', uri, `URI:${uri}`],
    );
    assert.deepEqual([...certificate.keyUsage].sort(), CLIENT_AND_SERVER);
    assert.deepEqual(certificate.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' });
    assert.match(body.PrivateKeyPEM, /^-----BEGIN EC PRIVATE KEY-----\n/);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(body.PrivateKeyPEM)));
    assert.match(body.SerialNumber, /^[0-9a-f]{2}(:[0-9a-f]{2})*$/);
    assert.equal(
      BigInt(`0x${body.SerialNumber.replaceAll(':', '')}`),
      BigInt(`0x${certificate.serialNumber}`),
    );
    assert.equal(body.ValidAfter, goTime(certificate.validFrom));
    assert.equal(body.ValidBefore, goTime(certificate.validTo));
    assert.equal(BigInt(body.ModifyIndex), indexOf(answer));
    const lifetimeHours = (Date.parse(body.ValidBefore) - Date.parse(body.ValidAfter)) / 3_600_000;
    assert.equal(lifetimeHours, 72);
    assert.ok(Date.parse(body.ValidAfter) <= Date.now() - 30_000, 'backdated, because clocks differ');
  });

  test('the first answer is a cache miss; later ones have the same leaf and index, after the wait of a blocking query', async () => {
    const first = await leaf('again');
    const second = await leaf('again', '?wait=60000ms');

    assert.deepEqual([second.text, indexOf(second)], [first.text, indexOf(first)]);
    assert.equal(first.header('x-cache'), 'MISS');
    assert.equal(first.header('age'), undefined);
    assert.equal(first.header('content-type'), 'application/json');
    assert.equal(first.header('x-consul-knownleader'), undefined, 'no header of the state store');
    for (const requested of [indexOf(first), indexOf(first) + 1_000_000n]) {
      const blocked = await leaf('again', `?index=${requested}&wait=500ms`);

      assert.deepEqual([blocked.text, indexOf(blocked)], [first.text, indexOf(first)]);
      assert.ok(blocked.tookMs > 490, `took ${blocked.tookMs} ms`);
      assert.equal(blocked.header('x-cache'), 'MISS');
    }
  });

  for (const [service, encoded] of [
    ['a b', 'a%20b'],
    ['ä', '%C3%A4'],
    ['50%', '50%25'],
  ] as const) {
    test(`the service ${service} has its leaf at ${encoded}, and ${encoded} in its SPIFFE ID`, async () => {
      const body = readLeaf(await leaf(service));
      assert.equal(body.Service, service);
      assert.ok(body.ServiceURI.endsWith(`/svc/${encoded}`), body.ServiceURI);
      const [certificate] = certificatesOf(body.CertPEM);
      assert.equal(certificate?.subjectAltName, `URI:${body.ServiceURI}`);
    });
  }

  test('a name with a slash and an empty name are no SPIFFE ID: 500', async () => {
    const slash = await leaf('x/y');
    const none = await leaf('');
    assert.equal(slash.status, 500);
    assert.match(slash.text, /^SPIFFE ID is not in the expected format: spiffe:\/\/.*\/svc\/x\/y$/);
    assert.equal(none.status, 500);
    assert.match(none.text, /^URI must be either service/);
  });
}
