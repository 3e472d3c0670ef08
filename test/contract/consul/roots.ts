import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { activeRoot, goTime, indexOf, readRoots, typed, typesOf } from './reading.ts';
import { AT_ONCE_MS, type ConsulServers, call, leafPath, ROOTS } from './servers.ts';

/** The list of roots, and what applies to every request. */
export function declareRoots(servers: () => ConsulServers): void {
  const roots = (query = '') => call(`${servers().open}${ROOTS}${query}`);

  test('the roots: an active one that Consul created, with its fields', async () => {
    const answer = await roots();

    const body = readRoots(answer);
    assert.deepEqual(Object.keys(body), ['ActiveRootID', 'TrustDomain', 'Roots']);
    assert.match(body.TrustDomain, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.consul$/);
    const active = activeRoot(body);
    const strings = 'ExternalTrustDomain ID Name NotAfter NotBefore PrivateKeyType RootCert SigningKeyID';
    assert.deepEqual(typesOf(active), {
      ...typed(strings, 'string'),
      ...typed('CreateIndex ModifyIndex PrivateKeyBits SerialNumber', 'number'),
      Active: 'boolean',
      IntermediateCerts: 'null',
    });
    const certificate = new X509Certificate(active.RootCert);
    assert.equal(active.ID, certificate.fingerprint.toLowerCase());
    assert.match(active.SigningKeyID, /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
    assert.equal(active.ExternalTrustDomain, body.TrustDomain.replace('.consul', ''));
    assert.equal(active.NotBefore, goTime(certificate.validFrom));
    assert.equal(active.NotAfter, goTime(certificate.validTo));
    assert.deepEqual([active.PrivateKeyType, active.PrivateKeyBits], ['ec', 256]);
    assert.ok(certificate.ca && certificate.verify(certificate.publicKey));
    assert.equal(certificate.subjectAltName, `URI:spiffe://${body.TrustDomain}`);
    assert.match(active.RootCert, /-----END CERTIFICATE-----\n$/);
  });

  test('without an index the roots come from the cache, with their age, at once', async () => {
    for (const query of ['', '?wait=60000ms', '?wait=60000ms&index=0']) {
      const answer = await roots(query);

      assert.equal(answer.header('content-type'), 'application/json');
      assert.match(answer.header('vary') ?? '', /accept-encoding/i);
      assert.equal(answer.header('x-cache'), 'HIT');
      assert.match(answer.header('age') ?? '', /^\d+$/);
      assert.match(answer.header('x-consul-knownleader') ?? '', /^(true|false)$/);
      assert.equal(answer.header('x-consul-lastcontact'), '0');
      assert.ok(indexOf(answer) > 0n);
      assert.ok(answer.tookMs < AT_ONCE_MS);
    }
  });

  test('a query with the current index, or a later one, gets the current state after its wait, without an age', async () => {
    const now = await roots();
    const index = indexOf(now);

    for (const requested of [index, index + 1_000_000n]) {
      const answer = await roots(`?index=${requested}&wait=500ms`);

      assert.deepEqual([answer.status, answer.text], [200, now.text]);
      assert.equal(indexOf(answer), index);
      assert.ok(answer.tookMs > 490, `took ${answer.tookMs} ms`);
      assert.equal(answer.header('x-cache'), 'MISS');
      assert.equal(answer.header('age'), undefined);
    }
    const past = await roots(`?index=${index - 1n}&wait=60s`);
    assert.equal(indexOf(past), index);
    assert.ok(past.tookMs < AT_ONCE_MS, 'an earlier index is answered at once');
  });

  test('an invalid index and an invalid wait are a 400, a POST is a 405, and an unknown path a 404', async () => {
    for (const path of [ROOTS, leafPath('refused')]) {
      for (const query of ['index=abc', 'index=-1', 'index=1&wait=60', 'wait=soon']) {
        const answer = await call(`${servers().open}${path}?${query}`);
        const text = query.includes('wait') ? 'Invalid wait time' : 'Invalid index';
        assert.deepEqual([answer.status, answer.text], [400, text]);
        assert.equal(answer.header('content-type'), 'text/plain; charset=utf-8');
        assert.equal(answer.header('x-consul-index'), undefined);
      }
      const posted = await call(servers().open + path, { method: 'POST', body: '{}' });
      assert.deepEqual([posted.status, posted.text], [405, 'method POST not allowed']);
      assert.equal(posted.header('allow'), 'OPTIONS,GET');
    }
    assert.equal((await call(`${servers().open}/v1/agent/connect/ca/rootz`)).status, 404);
  });

  test('every answer is compressed if the client accepts it, and otherwise not', async () => {
    const { open } = servers();
    const headers = { 'accept-encoding': 'gzip' };
    for (const path of [ROOTS, '/v1/status/leader', `${ROOTS}?index=abc`]) {
      const plain = await call(open + path);
      const compressed = await call(open + path, { headers });
      assert.equal(plain.header('content-encoding'), undefined);
      assert.equal(compressed.header('content-encoding'), 'gzip');
      assert.equal(gunzipSync(compressed.bytes).toString(), plain.text);
      if (path.endsWith('leader')) assert.match(plain.text, /^"127\.0\.0\.1:\d+"\s*$/);
    }
  });

  test('an unknown datacenter is a 500, and a namespace a 400 for the leaf; its own datacenter, and a namespace for the roots, change nothing', async () => {
    for (const path of [ROOTS, leafPath('elsewhere')]) {
      const unknown = await call(`${servers().open}${path}?dc=dc9`);
      assert.deepEqual([unknown.status, unknown.text], [500, 'No path to datacenter']);
      assert.equal((await call(`${servers().open}${path}?dc=dc1`)).status, 200);
    }
    const refused = await call(`${servers().open}${leafPath('named')}?ns=team`);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature/);
    assert.equal((await roots('?ns=team&partition=team')).status, 200);
  });

  test('without Connect, roots and leaf are a 500 that names the cause', async () => {
    for (const path of [ROOTS, leafPath('ambassador')]) {
      const { status, text } = await call(servers().withoutConnect + path);
      assert.deepEqual([status, text], [500, 'Connect must be enabled in order to use this endpoint']);
    }
  });
}
