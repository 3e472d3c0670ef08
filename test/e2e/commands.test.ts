import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertWorks, makeBed } from './support/bed.ts';
import { assertStopsWith, startDaemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';

describe('commands and their exit codes', { concurrency: 4 }, () => {
  for (const [args, code, prints] of [
    ['serve', 2, /^unknown command: serve\nTry ambassador-consul-connector --help/],
    ['--version', 0, /^\d+\.\d+\.\d+\n$/],
    ['check --help', 0, /--wait 60s +repeat the check/],
    ['help env', 0, /_CONSUL_PORT {2}default: 8500/],
    ['completion bash', 0, /complete -F \w+ ambassador-consul-connector/],
  ] as const) {
    test(`${args} is exit ${code}`, async () => {
      const daemon = startDaemon({}, args.split(' '));

      assert.equal((await daemon.exited).code, code, daemon.stderr);
      assert.match(code === 0 ? daemon.stdout : daemon.stderr, prints);
    });
  }

  test('31: --env-file sets unset variables; bad values are exit 2 with all problems on stderr, a missing file is named', async () => {
    const file = join(temporary(), 'connector.env');
    writeFileSync(file, '_CONSUL_HOST="not a host"\n_CONSUL_PORT=none\n_CONSUL_WAIT=60\n');

    const daemon = startDaemon({ _CONSUL_PORT: '8500' }, ['once', '--env-file', file]);

    assert.equal((await daemon.exited).code, 2);
    assert.match(daemon.stderr, /^ {2}- _CONSUL_HOST must be a host name.*\n {2}- _CONSUL_WAIT must be /m);
    assert.doesNotMatch(daemon.stderr, /_CONSUL_PORT/);
    const missing = startDaemon({}, ['once', '--env-file=/nowhere/connector.env']);
    // Some versions of Node.js read this argument themselves, and exit with 9.
    assert.notEqual((await missing.exited).code, 0);
    assert.match(missing.stderr, /\/nowhere\/connector\.env/);
  });

  test('34: a status port that is in use is exit 1, with the reason', async (t) => {
    const bed = await makeBed(t);
    const { port } = await bed.start().line('serving status');

    const daemon = bed.start({ _HTTP_PORT: String(port) });

    assert.equal((await daemon.exited).code, 1);
    const { code, error, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'STATUS_PORT');
    assert.match(String(error), /cannot be opened \(EADDRINUSE\)/);
    assert.match(String(remedy), /_HTTP_PORT/);
  });
});

describe('once', { concurrency: 2 }, () => {
  test('publishes and exits with 0, and writes nothing the second time', async (t) => {
    const bed = await makeBed(t);

    const first = bed.start({}, ['once']);
    assert.equal((await first.exited).code, 0);
    await first.line('published once');
    assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
    assert.ok(bed.service());
    const writes = bed.cluster.writes();

    const second = bed.start({}, ['once']);
    assert.equal((await second.exited).code, 0);
    await second.line('already current');
    assert.equal(bed.cluster.writes(), writes);
  });

  test('exits with 1 if Kubernetes forbids a write, with the rule to add', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'create', resource: 'secrets' });

    const daemon = bed.start({}, ['once']);

    assert.equal((await daemon.exited).code, 1);
    const { code, remedy } = await daemon.line('exiting because of an error');
    assert.equal(code, 'KUBERNETES_FORBIDDEN');
    assert.match(String(remedy), /verbs: \["create"\]/);
  });

  test('exits with 1 if it is stopped before completion, and logs that', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('any', () => 'stall-after-headers');
    const daemon = bed.start({}, ['once']);
    await eventually('a request', () => bed.consul.open('roots') === 1);

    await assertStopsWith(daemon, { code: 1, message: 'stopped before completion' });

    assert.ok(!daemon.logs.some(({ code: problem }) => problem !== undefined), daemon.stdout);
  });
});
