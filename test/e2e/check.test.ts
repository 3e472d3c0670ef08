import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bundledEnvironment } from '../../src/cli/check/bundle.ts';
import { isDryRun, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { check, Report, unhurried } from './support/report.ts';
import { assertNoSecrets } from './support/secrets.ts';
import { temporary } from './support/temporary.ts';

const CHECK = ['check', '--json'];
const PATCH_SECRETS = { verb: 'patch', resource: 'secrets' } as const;
const TOKEN = '0f9c2b1e-8d7a-4c65-9e3b-5a1d7f2c4b68';
const isVersion = ({ path }: { path: string }): boolean => path === '/version';

describe('check', { concurrency: 2 }, () => {
  test('reports an unreachable API server as the first FAIL, and continues with Consul', async (t) => {
    const bed = await makeBed(t);
    await bed.cluster.stop();

    const report = await check(bed);

    assert.equal(report.firstFail?.check, 'kubernetes');
    assert.equal(report.firstFail?.code, 'KUBERNETES_UNREACHABLE');
    assert.equal(report.row('chain')?.status, 'pass');
  });

  test('S1: an admission webhook that denies another Secret is a PASS, one without dry run support a WARN', async (t) => {
    const creation = async (message: string, code: number) => {
      const bed = await makeBed(t);
      // An account that may read every Secret gains nothing by creating one: there is no such row.
      bed.cluster.deny({ verb: 'list', resource: 'secrets', name: '' });
      bed.cluster.script(isDryRun, {
        status: code,
        body: { kind: 'Status', status: 'Failure', message, code },
      });
      const report = await check(bed);
      assert.equal(bed.cluster.writes(), 0);
      return report.row('creation');
    };

    const refused = await creation('admission webhook "only.ours" denied the request: no', 403);
    const unable = await creation('admission webhook "only.ours" does not support dry run', 400);

    assert.equal(refused?.detail, 'a Secret with another name is denied by admission webhook only.ours');
    assert.deepEqual([refused?.status, unable?.status], ['pass', 'warn']);
    assert.equal(unable?.code, 'KUBERNETES_REJECTED');
  });

  test('ends after ten seconds if Consul never answers', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('any', () => 'hang');

    // Ten seconds of the command's time take two and a half.
    const command = bed.start(fastTimeOf(4, Date.now()), CHECK);
    await eventually('a request to Consul', () => bed.consul.requests.length > 0);
    const from = performance.now();
    const { firstFail } = await Report.of(command);

    assert.deepEqual([firstFail?.check, firstFail?.code], ['consul', 'CONSUL_TIMEOUT']);
    // By its own deadlines; the rest is for a loaded machine.
    assert.ok(performance.now() - from < 60_000);
  });
});

describe('check --wait', { concurrency: 2 }, () => {
  test('ends as soon as nothing fails, and prints the last report only', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    // A FAIL however late: of a permission a time-out is a WARN, which would end the command.
    await bed.consul.stop();
    // A pause takes a fifth of its time; a request that is late on a loaded machine is repeated by the next check.
    const command = bed.start(fastTimeOf(5, Date.now()), [...CHECK, '--wait', '10m']);
    await eventually('a second check begins', () => bed.cluster.requests.filter(isVersion).length > 1);
    assert.equal(command.stdout, '', 'a failed check prints nothing');

    await bed.consul.start();
    const report = await Report.of(command);

    // Not every row of a loaded machine is a PASS: its time-outs are WARNs.
    assert.equal(report.firstFail, undefined);
    assert.equal(bed.cluster.writes(), 0);
  });

  test('stops at once when interrupted, also between two checks', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny(PATCH_SECRETS);
    const command = bed.start({}, ['check', '--wait', '10m']);
    await eventually('a first check', () => bed.cluster.requests.some(isVersion));

    const { code } = await command.stop();

    assert.equal(code, 1);
    assert.equal(command.stderr, 'interrupted\n');
  });
});

describe('check --bundle', { concurrency: 2 }, () => {
  test('writes the data for a bug report, and no secret', async (t) => {
    const file = join(temporary(), 'bundle.json');
    const bed = await makeBed(t, {
      consul: { acl: { tokens: { [TOKEN]: { serviceWrite: ['ambassador'] } } } },
    });
    bed.limitCreation();
    const daemon = await bed.startReady({ CONSUL_HTTP_TOKEN: TOKEN });
    const { port } = await daemon.line('serving status');

    const setting = { ...unhurried(), CONSUL_HTTP_TOKEN: TOKEN, _HTTP_PORT: String(port) };
    const command = bed.start(setting, ['check', '--bundle', file]);
    assert.equal((await command.exited).code, 0, command.stdout + command.stderr);
    const text = readFileSync(file, 'utf8');
    const bundle = JSON.parse(text);

    assert.match(command.stderr, /bundle\.json for a bug report; it contains no secrets/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assertNoSecrets(text);
    assert.equal(bundle.environment.CONSUL_HTTP_TOKEN, '[set]');
    assert.equal(bundle.environment._HTTP_PORT, String(port));
    assert.equal(bundle.report.ok, true);
    assert.match(bundle.published[0].uris[0], /^spiffe:\/\/.*\/svc\/ambassador$/);
    assert.equal(bundle.published.at(-1).of, 'ca.crt');
    assert.match(bundle.daemon.metrics, /ambassador_consul_connector_ready 1\n/);
    assert.match(bundle.daemon.readyz, /^ok/);
  });

  test('reports an invalid configuration too', async (t) => {
    const file = join(temporary(), 'bundle.json');
    const bed = await makeBed(t);

    const command = bed.start({ _CONSUL_PORT: 'none' }, ['check', '--bundle', file]);
    assert.equal((await command.exited).code, 2);
    const bundle = JSON.parse(readFileSync(file, 'utf8'));

    assert.match(command.stdout, /^FAIL {5}configuration[\s\S]*_CONSUL_PORT must/);
    assert.equal(bundle.report.rows[0].code, 'CONFIGURATION');
    assert.equal(bundle.published, 'nothing is published');
  });

  test('contains only our variables and those of a proxy, without their secrets', () => {
    assert.deepEqual(
      bundledEnvironment({
        HOME: '/root',
        HTTPS_PROXY: 'http://user:hunter2@proxy:3128',
        _CONSUL_HOST: 'consul',
        _CONSUL_HTTP_AUTH: 'user:hunter2',
        CONSUL_HTTP_TOKEN_FILE: '/run/token',
        _OUTPUT_KEYSTORE_PASSWORD: 'hunter2',
        _OUTPUT_RELOAD_COMMAND: 'curl -u user:hunter2 reload',
      }),
      {
        CONSUL_HTTP_TOKEN_FILE: '/run/token',
        HTTPS_PROXY: 'http://[redacted]@proxy:3128',
        _CONSUL_HOST: 'consul',
        _CONSUL_HTTP_AUTH: '[set]',
        _OUTPUT_KEYSTORE_PASSWORD: '[set]',
        _OUTPUT_RELOAD_COMMAND: '[set]',
      },
    );
  });
});
