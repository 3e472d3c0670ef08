import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { refusals } from '../fixtures/consul/refusals.ts';
import { assertWorks, makeBed } from './support/bed.ts';
import { assertStopsWith, startDaemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

describe('commands and their exit codes', { concurrency: 4 }, () => {
  test('an argument that is not known is named, and is exit 2', async () => {
    const daemon = startDaemon({}, ['serve']);

    assert.equal((await daemon.exited).code, 2);
    assert.match(daemon.stderr, /^unknown command: serve\nTry ambassador-consul-connector --help/);
  });

  for (const [flag, says] of [
    ['--version', /^\d+\.\d+\.\d+\n$/],
    ['--help', /ambassador-consul-connector once/],
    ['help env', /_CONSUL_PORT {2}default: 8500/],
    ['check --help', /--wait 60s +repeat the check/],
    ['completion bash', /complete -F \w+ ambassador-consul-connector/],
  ] as const) {
    test(`${flag} is exit 0`, async () => {
      const daemon = startDaemon({}, flag.split(' '));

      assert.equal((await daemon.exited).code, 0);
      assert.match(daemon.stdout, says);
    });
  }

  test('--env-file gives the variables that are not set', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'env-file-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'connector.env');
    writeFileSync(file, '_CONSUL_HOST="not a host"\n_CONSUL_PORT=none\n');

    const daemon = startDaemon({ _CONSUL_PORT: '8500' }, ['once', '--env-file', file]);

    assert.equal((await daemon.exited).code, 2);
    assert.match(daemon.stderr, /_CONSUL_HOST must be a host name/);
    assert.doesNotMatch(daemon.stderr, /_CONSUL_PORT/);
  });

  test('--env-file of a file that is not there ends it, and names the file', async () => {
    const daemon = startDaemon({}, ['once', '--env-file=/nowhere/connector.env']);

    assert.notEqual((await daemon.exited).code, 0);
    assert.match(daemon.stderr, /\/nowhere\/connector\.env/);
  });

  test('34: the status port taken: exit 1 with the reason', async (t) => {
    const bed = await makeBed(t);
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;

    const daemon = bed.start({ _HTTP_PORT: String(port) });

    assert.equal((await daemon.exited).code, 1);
    const { code, error, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'STATUS_PORT');
    assert.match(String(error), /cannot be opened \(EADDRINUSE\)/);
    assert.match(String(remedy), /_HTTP_PORT/);
  });

  test('no way to a cluster is exit 1 with the remedy', async () => {
    const daemon = startDaemon({ KUBECONFIG: '/nowhere/config' });

    assert.equal((await daemon.exited).code, 1);
    const { code, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'KUBERNETES_CONFIGURATION');
    assert.match(String(remedy), /set KUBECONFIG/);
  });
});

describe('once', { concurrency: 4 }, () => {
  test('publishes and is exit 0', async (t) => {
    const bed = await makeBed(t);

    const daemon = bed.start({}, ['once']);

    assert.equal((await daemon.exited).code, 0);
    await daemon.line('published once');
    assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
    assert.ok(bed.service());
  });

  test('is exit 0 and writes nothing when all is already current', async (t) => {
    const bed = await makeBed(t);
    await bed.start({}, ['once']).exited;
    const writes = bed.cluster.writes();

    const daemon = bed.start({}, ['once']);

    assert.equal((await daemon.exited).code, 0);
    await daemon.line('already current');
    assert.equal(bed.cluster.writes(), writes);
  });

  test('is exit 1 with cause and remedy when Consul refuses', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('leaf', () => refusals.permissionDenied);

    const daemon = bed.start({}, ['once']);

    assert.equal((await daemon.exited).code, 1);
    const { code, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'CONSUL_PERMISSION_DENIED');
    assert.match(String(remedy), /policy = "write"/);
    assert.equal(bed.secret(), undefined);
  });

  test('is exit 1 with the rule when Kubernetes refuses', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'create', resource: 'secrets' });

    const daemon = bed.start({}, ['once']);

    assert.equal((await daemon.exited).code, 1);
    const { code, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'KUBERNETES_FORBIDDEN');
    assert.match(String(remedy), /verbs: \["create"\]/);
  });

  for (const fault of ['hang', 'stall-after-headers'] as const) {
    test(`is exit 1 when it is stopped before completion, and says so (${fault})`, async (t) => {
      const bed = await makeBed(t);
      bed.consul.script('any', () => fault);
      const daemon = bed.start({}, ['once']);
      await eventually('a request', () => bed.consul.open('roots') === 1);

      await assertStopsWith(daemon, { code: 1, message: 'stopped before completion' });

      assert.ok(!daemon.logs.some(({ code: problem }) => problem !== undefined), daemon.stdout);
    });
  }
});
