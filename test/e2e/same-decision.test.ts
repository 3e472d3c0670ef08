import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Answer } from '../fixtures/consul/answer.ts';
import { portOf } from '../fixtures/consul/port-of.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { check } from './support/report.ts';
import { temporary } from './support/temporary.ts';

/** The present roots, as an agent that loses its servers now returns them 40 s later. */
async function staleRoots(bed: Bed): Promise<Partial<Answer>> {
  const response = await fetch(`http://${bed.consul.host}:${bed.consul.port}/v1/agent/connect/ca/roots`);
  return { headers: { 'Content-Type': 'application/json', Age: '40' }, body: await response.text() };
}

describe('run, once, render and check decide the same', { concurrency: 2 }, () => {
  test('D1: render keeps a root that stale roots lack, as once does', async (t) => {
    const bed = await makeBed(t);
    const directory = join(temporary(), 'published');
    const env = { _OUTPUT_DIR: directory };
    const read = () => readFileSync(join(directory, 'ca.crt'), 'utf8');
    const stale = await staleRoots(bed);
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await bed.start(env, ['once']).exited;
    const published = read();
    assert.equal(certificates(published).length, 2);
    bed.consul.script('roots', () => stale);

    const render = bed.start(env, ['render']);
    assert.equal((await render.exited).code, 0, render.stderr);
    await bed.start(env, ['once']).exited;

    const [secret] = parseAllDocuments(render.stdout).map((document) => document.toJS());
    assert.equal(Buffer.from(secret.data['ca.crt'], 'base64').toString(), published);
    assert.equal(read(), published);
  });

  test('D5: every command tries the next address after a name that does not resolve and a dead address, of which check warns', async (t) => {
    const bed = await makeBed(t);
    const { address, connections } = await countingServer(t);
    const CONSUL_ADDRESSES = `nowhere.invalid:8500,${address},127.0.0.1:${bed.consul.port}`;
    const env = { _CONSUL_HOST: '', _CONSUL_PORT: '', CONSUL_ADDRESSES };

    const report = await check(bed, { ...env, CONSUL_HTTP_TOKEN: 'a-token' });
    assert.equal(report.row('consul')?.status, 'warn');
    assert.equal(report.firstFail, undefined);
    assert.equal(connections(), 1, 'one attempt, though there are several queries');
    for (const command of ['render', 'once']) {
      const daemon = bed.start(env, [command]);
      assert.equal((await daemon.exited).code, 0, daemon.stdout + daemon.stderr);
      assert.equal(bed.cluster.writes(), command === 'render' ? 0 : 2);
    }
    await bed.startReady(env);
  });
});

/** A server that resets each connection. */
async function countingServer(t: TestContext) {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.resetAndDestroy();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return { address: `127.0.0.1:${portOf(server)}`, connections: () => count };
}
