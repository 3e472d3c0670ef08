import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Answer, jsonAnswer, textAnswer } from '../../fixtures/consul/answer.ts';
import { portOf } from '../../fixtures/consul/port-of.ts';
import { clientOf, connect, getLeaf, serverOf, startConsul } from './clients.ts';

const never = new AbortController().signal;
const SHORT_MS = 500;
const LONG_MS = 60_000;
const PAGE = '<a href="https://elsewhere.example/">Moved Permanently</a>.';

type Case = readonly [string, Partial<Answer>];
const WORDS: readonly Case[] = [
  ['a page, as Go and nginx send it', { body: PAGE }],
  ['words of Consul', { body: 'Permission denied' }],
];
const SPOILT: readonly Case[] = [
  ['a compressed body that is not gzip', { body: 'x', headers: { 'Content-Encoding': 'gzip' } }],
  ['a body of 9 MiB', { body: Buffer.alloc(9 * 1024 * 1024, ' ') }],
  ['a body that never arrives', { headers: { 'Content-Length': '10' } }],
];

for (const [what, answer] of [...WORDS, ...SPOILT]) {
  test(`C12: a redirect with ${what} is a redirect, to every request`, async (t) => {
    const consul = await startConsul(t);
    const redirect = { status: 301, ...answer };
    consul.script('any', () => redirect);
    const client = clientOf(t, { servers: [serverOf(consul)] });
    await assert.rejects(getLeaf(client.connect()), { code: 'CONSUL_REDIRECT' });
    await assert.rejects(client.missingPermission(LONG_MS, never), { code: 'CONSUL_REDIRECT' });
  });
}

for (const [what, answer] of SPOILT) {
  test(`C12: a 503 with ${what} is a 503`, async (t) => {
    const consul = await startConsul(t);
    consul.script('leaf', () => ({ status: 503, ...answer }));
    await assert.rejects(getLeaf(connect(t, consul), SHORT_MS), {
      code: 'CONSUL_UNEXPECTED_STATUS',
      message: 'Consul, or a proxy in front of it, is not available (503)',
    });
  });
}

const AGAINST = 'rate limit exceeded, try again later or against a different server';
for (const [what, answer, isLeft] of [
  ['429, which means "retry elsewhere" to Consul', textAnswer(429, AGAINST), true],
  ['404, as from another program that has the address now', textAnswer(404, '404 page not found'), true],
  ['a redirect', { status: 302, headers: { Location: 'https://elsewhere.example/' } }, true],
  ['500', textAnswer(500, 'No cluster leader'), true],
  ['503', textAnswer(503, ''), true],
  ['403', textAnswer(403, 'Permission denied'), false],
] satisfies [string, Partial<Answer>, boolean][]) {
  test(`C11: after ${what} the next request goes to ${isLeft ? 'the next server' : 'the same server'}`, async (t) => {
    const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
    one.script('leaf', () => answer);
    const connection = clientOf(t, { servers: [one, other].map(serverOf) }).connect();
    await assert.rejects(getLeaf(connection));
    await getLeaf(connection).catch(() => undefined);
    assert.deepEqual([one.requests.length, other.requests.length], isLeft ? [1, 1] : [2, 0]);
  });
}

test('C11: a 404 of an endpoint that older versions of Consul lack does not change the server', async (t) => {
  const [one, other] = await Promise.all([startConsul(t), startConsul(t)]);
  one.script('any', ({ path }) => (path.startsWith('/v1/acl/') ? textAnswer(404, '') : undefined));
  const connection = clientOf(t, { servers: [one, other].map(serverOf) }).connect();
  const self = connection.get('/v1/acl/token/self', new URLSearchParams(), LONG_MS, never);
  await assert.rejects(self, { code: 'CONSUL_NOT_FOUND' });
  await getLeaf(connection);
  assert.deepEqual([one.requests.length, other.requests.length], [2, 0]);
});

for (const coding of ['GZIP', 'Gzip', 'x-gzip']) {
  test(`C14: Content-Encoding: ${coding} is decoded as gzip`, async (t) => {
    const consul = await startConsul(t);
    const body = gzipSync('{"a":1}');
    consul.script('leaf', () => ({ headers: { 'Content-Encoding': coding }, body }));
    assert.equal((await getLeaf(connect(t, consul))).text, '{"a":1}');
  });
}

test('C14: a coding that was not requested is an error', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', () => ({ headers: { 'Content-Encoding': 'br' }, body: 'x' }));
  await assert.rejects(getLeaf(connect(t, consul)), {
    code: 'CONSUL_INVALID_RESPONSE',
    message: "Consul's compressed answer cannot be read",
  });
});

test('C16: a byte order mark before the JSON is ignored (RFC 8259 section 8.1)', async (t) => {
  const consul = await startConsul(t);
  consul.script('leaf', () => ({ body: '\uFEFF{"a":1}' }));
  assert.equal((await getLeaf(connect(t, consul))).text, '{"a":1}');
});

test('S5: no key or token of a leaf or login is quoted with another status, nor if a proxy repeats it', async (t) => {
  const consul = await startConsul(t);
  const { keyPem } = (await consul.leaf('ambassador')).issued;
  const leaf = { PrivateKeyPEM: keyPem, CertPEM: '' };
  for (const [answer, said] of [
    [{ ...jsonAnswer(leaf), status: 203 }, 'Consul answered 203'],
    [{ ...jsonAnswer([leaf]), status: 500 }, 'Consul answered 500'],
    [
      { ...jsonAnswer({ SecretID: 'c0ffee00-0000-4000-8000-000000000000' }), status: 201 },
      'Consul answered 201',
    ],
    [textAnswer(500, `bad leaf: ${JSON.stringify(keyPem)}`), 'Consul answered 500: bad leaf: "[redacted]'],
  ] satisfies [Answer, string][]) {
    consul.script('leaf', () => answer);

    await assert.rejects(getLeaf(connect(t, consul)), (error: Error) => {
      assert.ok(error.message.startsWith(said), error.message);
      for (const line of keyPem.split('\n').filter((each) => /^[\w+/=]{20,}$/.test(each)))
        assert.ok(!error.message.includes(line.slice(0, 20)));
      return true;
    });
  }
});

for (const [what, pieces] of [
  ['before the answer', ['HTTP/1.1 100 Continue\r\n\r\n']],
  ['twice, with a header', ['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 100 Continue\r\nServer: x\r\n\r\n']],
  ['in pieces', ['HTTP', '/1.1 100 Con', 'tinue\r\n', '\r\n']],
  ['beside other interim responses', ['HTTP/1.1 102 Processing\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n']],
  ['never', []],
] as const) {
  test(`C16: an unexpected 100 Continue (${what}) is ignored, each time (RFC 9110 section 15.2)`, async (t) => {
    const server = createServer((socket) => {
      socket.on('data', async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await setTimeout(20);
        }
        socket.write('HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: 26\r\n\r\n{"a":"HTTP/1.1 ');
        await setTimeout(20);
        socket.write('100 Conti"}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const connection = clientOf(t, { servers: [{ host: '127.0.0.1', port: portOf(server) }] }).connect();

    for (const _turn of [1, 2]) {
      const { text, index } = await getLeaf(connection);
      assert.deepEqual([text, index], ['{"a":"HTTP/1.1 100 Conti"}', '7']);
    }
  });
}
