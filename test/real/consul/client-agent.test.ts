import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificates } from '../../e2e/support/bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { verify } from '../openssl.ts';
import { fails } from './checking.ts';
import {
  assertSays,
  contents,
  failure,
  folderFor,
  MENDED_WITHIN_MS,
  plain,
  recovered,
  startInto,
  useTwoConsuls,
} from './support.ts';

const MINIMAL = 'service "ambassador" { policy = "write" }';
/** The agents ask each other, and wait for an answer that does not come. */
const GONE_WITHIN_MS = 60_000;
/** The fourth failure in a row, after backoffs of 1, 2 and 4 s at most, with a question of a second before each. */
const FOURTH_WITHIN_MS = 20_000;
/** A backoff of then, and the time in which the agent finds its server again. */
const BACK_WITHIN_MS = 90_000;
const ROTATED_WITHIN_MS = 45_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 3_000;

// The agent that runs on each node: the way most connectors reach Consul.
const both = useTwoConsuls({ acl: true, persistent: true }, (clientOf) => ({ acl: true, clientOf }));

async function good(): Promise<Record<string, string>> {
  const [server, agent] = both();
  return { ...plain(agent), CONSUL_HTTP_TOKEN: await server.makeToken(MINIMAL) };
}

test('a client agent that has lost its servers is told once, asked ever more seldom, and what is published stays', async (t) => {
  const [server, agent] = both();
  const folder = folderFor(t);
  const env = await good();
  const daemon = startInto(t, folder, env);
  await daemon.ready();
  const before = contents(folder);

  await server.kill();

  const knowsNone = async () => (await agent.get('/v1/status/leader')).body === 'No known Consul servers';
  await eventually('the agent takes its server for gone', knowsNone, GONE_WITHIN_MS);
  assertSays(await failure(daemon, 'CONSUL_NO_SERVERS'), /does not reach its servers/, /consul members/);
  await daemon.line(({ query, attempt }) => query === 'roots' && Number(attempt) >= 4, FOURTH_WITHIN_MS);
  const { status, text } = await daemon.get('/readyz');
  assert.equal(status, 200);
  // What it answers from its cache in between must not end an alert.
  for (let look = 0; look < 20; look += 1) {
    assert.equal(await daemon.metric('consul_up', 'query="roots"'), 0);
    await sleep(250);
  }
  assert.match(text, /^ok\nroots: .*does not reach its servers.*consul members/);
  assert.equal(daemon.logs.filter(({ ageSeconds }) => ageSeconds !== undefined).length, 1);
  assert.deepEqual(
    daemon.logs.flatMap(({ code }) => (code === undefined || code === 'CONSUL_NO_SERVERS' ? [] : [code])),
    [],
  );

  const { remedy } = await fails(t, env, 'consul', 'CONSUL_NO_SERVERS');
  assert.match(remedy ?? '', /consul members/);

  await server.restart();
  await recovered(daemon, BACK_WITHIN_MS);
  assert.deepEqual(contents(folder), before);
});

test('a client agent that is restarted hands out another leaf: no write', async (t) => {
  const [, agent] = both();
  const folder = folderFor(t);
  const daemon = startInto(t, folder, await good());
  await daemon.ready();
  const before = contents(folder);
  const { SerialNumber } = await agent.leaf('ambassador');

  await agent.restart();

  await recovered(daemon);
  assert.notEqual((await agent.leaf('ambassador')).SerialNumber, SerialNumber);
  await sleep(SETTLED_MS);
  assert.deepEqual(contents(folder), before);
});

test('a token that may not have the leaf is told as by a server', async (t) => {
  const [server, agent] = both();
  const token = await server.makeToken('service "web" { policy = "write" }');
  // No other test asks for it: a newer Consul (seen with 1.16) gives a leaf from its cache to any token.
  const env = { ...plain(agent), CONSUL_HTTP_TOKEN: token, _CONSUL_SERVICE: 'billing' };
  const daemon = startInto(t, folderFor(t), env);

  const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');

  assertSays(line, /may not have the leaf/, /service "billing" \{ policy = "write" \}/);
});

test('a rotation is two writes: first both roots, then the leaf of the new one', async (t) => {
  const [server] = both();
  const folder = folderFor(t);
  const daemon = startInto(t, folder, await good());
  await daemon.ready();
  const read = (name: string) => contents(folder)[name]?.text ?? '';
  const before = read('tls.crt');

  await server.rotateRoot();

  await eventually('both roots', () => certificates(read('ca.crt')).length === 2, MENDED_WITHIN_MS);
  assert.equal(read('tls.crt'), before);
  await eventually('the leaf', () => read('tls.crt') !== before, ROTATED_WITHIN_MS);
  const [active] = certificates(read('ca.crt'));
  assert.equal(await verify(read('tls.crt'), String(active)), 'tls.crt: OK');
  assert.equal(await daemon.metric('writes_total', 'object="identity"'), 3);
});
