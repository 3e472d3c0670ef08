import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeLeaf, decodeRoots, leafPath } from '../../../src/consul/connect-ca.ts';
import { answerAge } from '../../../src/consul/freshness.ts';
import { ConsulError } from '../../../src/errors.ts';
import { refusals } from '../../fixtures/consul/refusals.ts';
import type { ScriptedAnswer } from '../../fixtures/consul/script.ts';
import { connect, getLeaf, startConsul } from './clients.ts';

function unusable(error: unknown): boolean {
  return (
    error instanceof ConsulError && error.code === 'CONSUL_INVALID_RESPONSE' && error.remedy !== undefined
  );
}

const GZIP = { 'Content-Encoding': 'gzip' };
/** The same JSON, in 20 MiB. */
const padded = (body: string): string => body.padEnd(20 * 1024 * 1024);

for (const [what, spoilt, isRead] of [
  ['JSON that was cut off', (body) => ({ body: body.slice(0, body.length / 2) }), false],
  ['a gzipped answer', (body) => ({ headers: GZIP, body: gzipSync(body) }), true],
  [
    'a gzipped answer that was cut off',
    (body) => ({ headers: GZIP, body: gzipSync(body).subarray(0, 60) }),
    false,
  ],
  ['an answer of 20 MiB', (body) => ({ body: padded(body) }), false],
  [
    'an answer of 20 MiB, compressed to a few kB',
    (body) => ({ headers: GZIP, body: gzipSync(padded(body)) }),
    false,
  ],
  ['a sign-in page', () => refusals.signInPage, false],
] satisfies [string, (body: string) => ScriptedAnswer, boolean][]) {
  test(`${what} is ${isRead ? 'read' : 'rejected'}`, async (t) => {
    const consul = await startConsul(t);
    consul.script('leaf', async (_request, truth) => spoilt(String((await truth.now()).body)));
    const leaf = getLeaf(connect(t, consul)).then(({ text }) => decodeLeaf(text));
    if (isRead) assert.match((await leaf).certificatePem, /^-----BEGIN CERTIFICATE-----/);
    else await assert.rejects(leaf, unusable);
  });
}

const NO_LEAF = [
  'null',
  '[]',
  '"text"',
  '7',
  '{}',
  '',
  '{"CertPEM":1,"PrivateKeyPEM":"x"}',
  '{"CertPEM":"x"}',
];
for (const body of NO_LEAF) {
  test(`a leaf ${body === '' ? 'without a body' : body} is rejected`, () => {
    assert.throws(() => decodeLeaf(body), unusable);
  });
}

test('truncated JSON is named as the cause', () => {
  assert.throws(() => decodeLeaf('{"CertPEM":"x'), { message: /it is not complete JSON/ });
});

for (const body of ['{"Roots":[]}', '{"Roots":null}', '{}']) {
  test(`roots ${body} mean a CA that is not ready (consul #4421)`, () => {
    assert.throws(() => decodeRoots(body), { code: 'CONSUL_CA_NOT_READY', remedy: /initialised/ });
  });
}

const listed = (...roots: string[]) => `{"TrustDomain":"t","ActiveRootID":"a","Roots":[${roots.join()}]}`;
const NO_ROOTS = ['null', '[]', '<html>', '{"Roots":7}', '{"Roots":[null],"TrustDomain":"a"}'];
const NO_ACTIVE_ROOT = ['{"ID":"a"}', '{"Active":true,"RootCert":"x"}', '{"Active":true}'];
for (const body of [
  ...NO_ROOTS,
  '{"Roots":[{}],"TrustDomain":"a"}',
  ...NO_ACTIVE_ROOT.map((root) => listed(root, '{"ID":"b","RootCert":"pem"}')),
]) {
  test(`roots ${body} are rejected`, () => {
    assert.throws(() => decodeRoots(body), unusable);
  });
}

for (const malformed of ['null', '7', '{}', '{"ID":"b"}', '{"RootCert":"x"}', '{"ID":7,"RootCert":"x"}']) {
  test(`a root ${malformed} does not affect the active one`, () => {
    const { roots } = decodeRoots(listed(malformed, '{"ID":"a","Active":true,"RootCert":"pem"}'));
    const active = { id: 'a', active: true, certificatePem: 'pem', intermediatePems: [] };
    assert.deepEqual(roots.slice(1), [active]);
  });
}

test('a serial number that overflows a double does not matter', () => {
  const root = '{"ID":"a","Active":true,"RootCert":"pem","SerialNumber":18446744073709551615}';
  assert.equal(decodeRoots(listed(root)).activeRootId, 'a');
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

for (const [service, segment] of [
  ['a b', 'a%20b'],
  ['ä', '%C3%A4'],
  ['x/y', 'x%2Fy'],
  ['50%', '50%25'],
  ['a?b#c', 'a%3Fb%23c'],
] as const) {
  test(`the leaf of the service ${service} is queried as ${segment}`, () => {
    assert.equal(leafPath(service), `/v1/agent/connect/ca/leaf/${segment}`);
  });
}
