import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Answer } from '../fixtures/consul/answer.ts';
import { startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import type { Daemon } from './support/daemon.ts';
import { temporary } from './support/temporary.ts';

/** The roots of now, as an agent answers them that loses its servers at this moment, 40 s later. */
async function staleRoots(bed: Bed): Promise<Partial<Answer>> {
  const response = await fetch(`http://${bed.consul.host}:${bed.consul.port}/v1/agent/connect/ca/roots`);
  return { headers: { 'Content-Type': 'application/json', Age: '40' }, body: await response.text() };
}

/** A port of this machine on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : assert.fail('no port');
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

  test('D3: once fails where only an identity of another trust domain is published and the roots are stale', async (t) => {
    const bed = await makeBed(t);
    await bed.start({}, ['once']).exited;
    const published = bed.secret();
    const other = await startEmbeddedConsul();
    t.after(() => other.close());
    other.script('roots', async (_request, truth) => {
      const answer = await truth.now();
      return { ...answer, headers: { ...answer.headers, Age: '40' } };
    });

    const once = bed.start({ _CONSUL_HOST: other.host, _CONSUL_PORT: String(other.port) }, ['once']);

    assert.equal((await once.exited).code, 1);
    const { code, remedy } = await once.line('exiting because of an error');
    assert.equal(code, 'CONSUL_NO_SERVERS');
    assert.match(String(remedy), /the agent reaches them/);
    assert.deepEqual(bed.secret(), published);
  });

  for (const [what, addressesOf] of [
    [
      'an address on which nothing listens',
      async (bed: Bed) => `127.0.0.1:${await deadPort()},127.0.0.1:${bed.consul.port}`,
    ],
    ['a name that does not resolve', async (bed: Bed) => `nowhere.invalid:8500,127.0.0.1:${bed.consul.port}`],
  ] as const) {
    test(`D5: every command goes on to the next address after ${what}`, async (t) => {
      const bed = await makeBed(t);
      const env = { _CONSUL_HOST: '', _CONSUL_PORT: '', CONSUL_ADDRESSES: await addressesOf(bed) };

      const succeeds = async (command: Daemon): Promise<Daemon> => {
        assert.equal((await command.exited).code, 0, command.stdout + command.stderr);
        return command;
      };
      await succeeds(bed.start(env, ['render']));
      await succeeds(bed.start(env, ['once']));
      await bed.startReady(env);
      await succeeds(bed.start(env, ['check']));
    });
  }

  test('D5: check warns of the dead address and tries it once, though another one answers', async (t) => {
    const bed = await makeBed(t);
    const { address, connections } = await countingServer(t);
    const env = {
      _CONSUL_HOST: '',
      _CONSUL_PORT: '',
      CONSUL_ADDRESSES: `${address},127.0.0.1:${bed.consul.port}`,
      CONSUL_HTTP_TOKEN: 'a-token',
    };

    const check = bed.start(env, ['check', '--json']);

    assert.equal((await check.exited).code, 0, check.stdout);
    const rows: { check: string; status: string }[] = JSON.parse(check.stdout).rows;
    assert.equal(rows.find((row) => row.check === 'consul')?.status, 'warn', check.stdout);
    assert.equal(connections(), 1);
  });
});

/** A server that ends each connection as it comes. */
async function countingServer(t: TestContext) {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.resetAndDestroy();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : assert.fail('no port');
  return { address: `127.0.0.1:${port}`, connections: () => count };
}
