import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeLeaf, decodeRoots, fetchOnce, leafPath, leafQuery } from '../../../src/consul/connect-ca.ts';
import { answerAge } from '../../../src/consul/freshness.ts';
import { ConsulError } from '../../../src/errors.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import type { ScriptedAnswer } from '../../fixtures/consul/script.ts';
import { connect, startConsul } from './asking.ts';

const LEAF = leafPath('ambassador');
const IN_TIME_MS = 60_000;
const MIB = 1024 * 1024;
const never = new AbortController().signal;

/** The leaf as `script` sends it, decoded. */
async function getLeaf(t: TestContext, given: ScriptedAnswer | ((body: string) => ScriptedAnswer)) {
  const consul = await startConsul(t);
  consul.script('leaf', async (_request, truth) =>
    typeof given === 'function' ? given(String((await truth.now()).body)) : given,
  );
  return decodeLeaf((await connect(t, consul).get(LEAF, new URLSearchParams(), IN_TIME_MS, never)).text);
}

/** The same JSON, in 20 MiB. */
function padded(body: string): string {
  return body.padEnd(20 * MIB);
}

function unusable(error: unknown): boolean {
  return (
    error instanceof ConsulError && error.code === 'CONSUL_INVALID_RESPONSE' && error.remedy !== undefined
  );
}

test('JSON that was cut off is refused', async (t) => {
  await assert.rejects(
    getLeaf(t, (body) => ({ body: body.slice(0, body.length / 2) })),
    unusable,
  );
});

test('a gzipped answer is read', async (t) => {
  const leaf = await getLeaf(t, (body) => ({
    headers: { 'Content-Encoding': 'gzip' },
    body: gzipSync(body),
  }));

  assert.match(leaf.certificatePem, /^-----BEGIN CERTIFICATE-----/);
});

test('a gzipped answer that was spoilt is refused', async (t) => {
  await assert.rejects(
    getLeaf(t, (body) => ({ headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(body).subarray(0, 60) })),
    unusable,
  );
});

test('an answer of 20 MiB is refused', async (t) => {
  await assert.rejects(
    getLeaf(t, (body) => ({ body: padded(body) })),
    unusable,
  );
});

test('an answer of 20 MiB that gzip hides in a few kB is refused', async (t) => {
  await assert.rejects(
    getLeaf(t, (body) => ({ headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(padded(body)) })),
    unusable,
  );
});

for (const body of [
  'null',
  '[]',
  '"text"',
  '7',
  '{}',
  '',
  '{"CertPEM":1,"PrivateKeyPEM":"x"}',
  '{"CertPEM":"x"}',
]) {
  test(`a leaf ${body === '' ? 'without a body' : body} is refused`, () => {
    assert.throws(() => decodeLeaf(body), unusable);
  });
}

for (const body of ['{"Roots":[]}', '{"Roots":null}', '{}']) {
  test(`roots ${body} mean a CA that is not ready (consul #4421)`, () => {
    assert.throws(
      () => decodeRoots(body),
      (error) =>
        error instanceof ConsulError &&
        error.code === 'CONSUL_CA_NOT_READY' &&
        /initialised/.test(error.remedy ?? ''),
    );
  });
}

for (const body of [
  'null',
  '[]',
  '<html>',
  '{"Roots":7}',
  '{"Roots":[null],"TrustDomain":"a"}',
  '{"Roots":[{}],"TrustDomain":"a"}',
]) {
  test(`roots ${body} are refused`, () => {
    assert.throws(() => decodeRoots(body), unusable);
  });
}

for (const malformed of ['null', '7', '{}', '{"ID":"b"}', '{"RootCert":"x"}', '{"ID":7,"RootCert":"x"}']) {
  test(`a root ${malformed} beside the active one leaves the active one as it is`, () => {
    const active = { id: 'a', active: true, certificatePem: 'pem', intermediatePems: [] };
    const text = `{"TrustDomain":"t","ActiveRootID":"a","Roots":[${malformed},{"ID":"a","Active":true,"RootCert":"pem"}]}`;

    const { roots } = decodeRoots(text);

    assert.deepEqual(roots[1], active);
    assert.equal(roots.length, 2);
  });
}

for (const malformed of ['{"ID":"a"}', '{"Active":true,"RootCert":"x"}', '{"Active":true}']) {
  test(`a root ${malformed} that is the active one spoils the answer`, () => {
    const text = `{"TrustDomain":"t","ActiveRootID":"a","Roots":[${malformed},{"ID":"b","RootCert":"pem"}]}`;

    assert.throws(() => decodeRoots(text), unusable);
  });
}

test('a serial number that overflows a double does not matter', async (t) => {
  const consul = await startConsul(t);
  const { text } = await connect(t, consul).get(
    '/v1/agent/connect/ca/roots',
    new URLSearchParams(),
    IN_TIME_MS,
    never,
  );

  const roots = decodeRoots(text.replace(/"SerialNumber":\d+/, '"SerialNumber":18446744073709551615'));

  assert.equal(roots.activeRootId, consul.activeRoot.id);
});

for (const [subject, freshness] of [
  ['roots', 'stale'],
  ['leaf', 'cached'],
] as const) {
  test(`${subject} with an age are ${freshness}, without one they are fresh`, () => {
    assert.deepEqual(answerAge(subject, '42'), { freshness, ageSeconds: 42 });
    for (const header of [undefined, '0', 'x', '-1']) {
      assert.deepEqual(answerAge(subject, header), { freshness: 'fresh', ageSeconds: 0 });
    }
  });
}

test('the age of a cached answer is read', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', async (_request, truth) => {
    const answer = await truth.now();
    return { ...answer, headers: { ...answer.headers, Age: '42' } };
  });

  const answer = await fetchOnce(connect(t, consul), leafQuery('ambassador'), IN_TIME_MS, never);

  assert.deepEqual([answer.freshness, answer.ageSeconds], ['cached', 42]);
});

for (const [service, segment] of [
  ['a b', 'a%20b'],
  ['ä', '%C3%A4'],
  ['x/y', 'x%2Fy'],
  ['50%', '50%25'],
  ['a?b#c', 'a%3Fb%23c'],
] as const) {
  test(`the service ${service} is asked for as ${segment}`, async (t) => {
    const consul = await startConsul(t);
    // Some of these names make no SPIFFE ID.
    consul.script('leaf', () => ({ body: '{}' }));

    await connect(t, consul).get(leafPath(service), new URLSearchParams(), IN_TIME_MS, never);

    const [request] = consul.requests;
    assert.deepEqual([request?.path, request?.service], [`/v1/agent/connect/ca/leaf/${segment}`, service]);
  });
}

test('the token goes into X-Consul-Token and nowhere else', async (t) => {
  const token = randomBytes(16).toString('hex');
  const consul = await startConsul(t, { acl: { tokens: { [token]: { serviceWrite: 'any' } } } });

  await connect(t, consul, token).get(LEAF, new URLSearchParams(), IN_TIME_MS, never);

  const { url, headers, body } = consul.requests[0] ?? assert.fail('no request');
  const { 'x-consul-token': sent, ...others } = headers;
  assert.equal(sent, token);
  assert.ok(!`${url} ${JSON.stringify(others)} ${body}`.includes(token));
});

test('without a token no header is sent', async (t) => {
  const consul = await startConsul(t);

  await connect(t, consul).get(LEAF, new URLSearchParams(), IN_TIME_MS, never);

  assert.ok(!('x-consul-token' in (consul.requests[0]?.headers ?? {})));
});

for (const [what, given] of [
  ['a refusal that repeats it', (token: string) => ({ status: 403, body: `ACL not found: ${token}` })],
  ['an unknown status that repeats it', (token: string) => ({ status: 418, body: `your token ${token}` })],
  ['a page', (token: string) => ({ body: `<html>${token}` })],
  ['a reset', () => 'reset' as const],
  ['a hang', () => 'hang' as const],
  ['a refusal', () => refusals.permissionDenied],
] satisfies [string, (token: string) => ScriptedAnswer][]) {
  test(`no part of the error over ${what} holds the token`, async (t) => {
    const token = randomBytes(16).toString('hex');
    const consul = await startConsul(t);
    consul.script('leaf', () => given(token));
    const connection = connect(t, consul, token);

    const error: unknown = await connection
      .get(LEAF, new URLSearchParams(), 200, never)
      .then(({ text }) => decodeLeaf(text))
      .catch((reason: unknown) => reason);

    assert.ok(error instanceof ConsulError);
    assert.ok(!`${error.message} ${error.remedy} ${error.stack} ${JSON.stringify(error)}`.includes(token));
  });
}
