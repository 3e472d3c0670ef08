import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import {
  assertRotates,
  assertSays,
  contents,
  fails,
  failure,
  MINIMAL,
  plain,
  recovered,
  startInto,
  startReady,
  useTwoConsuls,
} from './support.ts';

/** The backoff by then, and the time that the agent takes to find its server again. */
const BACK_WITHIN_MS = 90_000;

// The agent that runs on each node: the way most connectors reach Consul.
const both = useTwoConsuls({ acl: true, persistent: true }, (clientOf) => ({ acl: true, clientOf }));

async function good(): Promise<Record<string, string>> {
  const [server, agent] = both();
  return { ...plain(agent), CONSUL_HTTP_TOKEN: await server.makeToken(MINIMAL) };
}

test('a client agent that has lost its servers is reported once and queried less and less often, and the files stay', async (t) => {
  const [server, agent] = both();
  const env = await good();
  const { daemon, folder, before } = await startReady(t, env);

  await server.kill();

  const hasNone = async () => (await agent.get('/v1/status/leader')).body === 'No known Consul servers';
  await eventually('the agent has lost its server', hasNone);
  assertSays(await failure(daemon, 'CONSUL_NO_SERVERS'), /cannot reach its servers/, /consul members/);
  await daemon.line(({ query, attempt }) => query === 'roots' && Number(attempt) >= 4);
  const { status, text } = await daemon.get('/readyz');
  assert.equal(status, 200);
  // Answers from the agent's cache in between must not end an alert.
  for (let look = 0; look < 20; look += 1) {
    assert.equal(await daemon.metric('consul_up', 'query="roots"'), 0);
    await sleep(250);
  }
  assert.match(text, /^ok\nroots: .*cannot reach its servers.*consul members/);
  assert.equal(daemon.logs.filter(({ ageSeconds }) => ageSeconds !== undefined).length, 1);
  const codes = new Set(daemon.logs.flatMap(({ code }) => code ?? []));
  assert.deepEqual([...codes], ['CONSUL_NO_SERVERS']);

  const { remedy } = await fails(env, 'consul', 'CONSUL_NO_SERVERS');
  assert.match(remedy ?? '', /consul members/);

  await server.restart();
  await recovered(daemon, BACK_WITHIN_MS);
  assert.deepEqual(contents(folder), before);
});

test('a token that lacks service:write is reported as with a server', async (t) => {
  const [server, agent] = both();
  const token = await server.makeToken('service "web" { policy = "write" }');
  // A service of its own: a newer Consul (seen with 1.16) serves a leaf from its cache to any token.
  const env = { ...plain(agent), CONSUL_HTTP_TOKEN: token, _CONSUL_SERVICE: 'billing' };
  const daemon = startInto(t, temporary(), env);

  const line = await failure(daemon, 'CONSUL_PERMISSION_DENIED');

  assertSays(line, /service:write/, /service "billing" \{ policy = "write" \}/);
});

test('a rotation is two writes: first both roots, then the leaf of the new one', async (t) => {
  const [server] = both();
  await assertRotates(t, await good(), server);
});
