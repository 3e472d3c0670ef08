import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withAge } from '../fixtures/consul/answer.ts';
import { leafAnswer } from '../fixtures/consul/wire.ts';
import { makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { startDaemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { Report } from './support/report.ts';
import { startSilentServer } from './support/silent-server.ts';
import { temporary } from './support/temporary.ts';

const CHECK = ['check', '--json'];
const CA_SECRET = `${SECRET}-ca`;
const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };

/** On a loaded machine ten seconds may not be enough to ask anything: here they take a minute. */
const unhurried = () => fastTimeOf(1 / 6, Date.now());
/** Ten seconds of the command's time take two and a half. */
const hurried = () => fastTimeOf(4, Date.now());

describe('check', { concurrency: 2 }, () => {
  test('passes every row where all is well, and writes nothing', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();

    const report = await Report.of(bed.start(unhurried(), CHECK));

    assert.deepEqual(report.notPassed, []);
    assert.equal(report.rows.length, 22);
    assert.equal(bed.cluster.writes(), 0);
  });

  test('says the same to people, and how many rows of each kind there are', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();

    const command = bed.start(unhurried(), ['check']);

    assert.equal((await command.exited).code, 0);
    assert.match(command.stdout, /^PASS {5}configuration /);
    assert.match(command.stdout, /^22 PASS, 0 WARN, 0 FAIL, 0 skipped$/m);
  });

  test('finds its own objects well after they were published', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    await (await bed.startReady(VERIFYING)).stop();

    const command = bed.start({ ...VERIFYING, ...unhurried() }, CHECK);
    const report = await Report.of(command);

    assert.deepEqual(report.notPassed, []);
    assert.equal(command.stderr, '', 'nor is anything said beside the report');
    for (const name of [SECRET, CA_SECRET]) {
      assert.match(
        report.row(`existing-secrets-${name}`)?.detail ?? '',
        /written by ambassador-consul-connector$/,
      );
    }
  });

  test('the Secret of the roots has rows of its own where the gateway verifies its peers', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'patch', resource: 'secrets', name: CA_SECRET });
    const type = 'kubernetes.io/tls';
    const data = { 'tls.crt': '', 'tls.key': '' };
    bed.cluster.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACE, name: CA_SECRET },
      type,
      data,
    });

    const report = await Report.of(bed.start({ ...VERIFYING, ...unhurried() }, CHECK));

    assert.equal(report.rows.length, 27);
    assert.equal(report.firstFail?.check, `rbac-patch-secrets-${CA_SECRET}`);
    assert.match(report.firstFail?.remedy ?? '', new RegExp(`resourceNames: \\["${CA_SECRET}"\\]`));
    const existing = report.row(`existing-secrets-${CA_SECRET}`);
    assert.equal(existing?.code, 'SECRET_NOT_ADOPTABLE');
    assert.match(existing?.detail ?? '', /its type is kubernetes\.io\/tls, not Opaque/);
  });

  test('a Secret of another type is a FAIL, with the command that clears the way', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACE, name: SECRET },
      type: 'Opaque',
    });

    const { firstFail } = await Report.of(bed.start(unhurried(), CHECK));

    assert.equal(firstFail?.code, 'SECRET_NOT_ADOPTABLE');
    assert.match(firstFail?.remedy ?? '', new RegExp(`kubectl -n ${NAMESPACE} delete secret ${SECRET}`));
  });

  test('an agent that answers from its cache alone is a WARN, with its servers as the remedy', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    bed.consul.script('roots', async (_request, truth) => withAge(await truth.now(), 30));

    const { notPassed } = await Report.of(bed.start(unhurried(), CHECK));

    assert.deepEqual(
      notPassed.map(({ check, status, code }) => [check, status, code]),
      [['consul', 'warn', 'CONSUL_NO_SERVERS']],
    );
    assert.match(notPassed[0]?.remedy ?? '', /consul members/);
  });

  test('of an API server that is not there the first row says so, and the others mean nothing', async (t) => {
    const bed = await makeBed(t);
    await bed.cluster.stop();

    const report = await Report.of(bed.start(unhurried(), CHECK));

    assert.equal(report.firstFail?.check, 'kubernetes');
    assert.equal(report.firstFail?.code, 'KUBERNETES_UNREACHABLE');
    assert.equal(report.row('chain')?.status, 'pass');
  });

  test('E1: a TLSContext that ends Emissary is a WARN of the configuration', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    const legacy = { _AMBASSADOR_API_VERSION: 'ambassador/v1' };

    const report = await Report.of(bed.start({ ...legacy, ...unhurried() }, CHECK));

    assert.deepEqual(
      report.notPassed.map(({ check, status }) => [check, status]),
      [['configuration', 'warn']],
    );
    assert.match(
      report.row('configuration')?.detail ?? '',
      /ambassador\/v1 ends Emissary-ingress 2\.5\.1 and 3\.4 to 4\.1 with a panic/,
    );
    assert.match(report.row('configuration')?.remedy ?? '', /^unset _AMBASSADOR_API_VERSION/);
  });

  for (const [what, token, row] of [
    ['no token', {}, 'consul-token'],
    ['a token of another service', { CONSUL_HTTP_TOKEN: 'token-of-another-service' }, 'consul-leaf'],
  ] as const) {
    test(`T1: with ${what} a leaf from the cache of the agent is no proof: FAIL, with the policy that is missing`, async (t) => {
      const acl = { tokens: { 'token-of-another-service': { serviceWrite: ['web'] } } };
      const bed = await makeBed(t, { consul: { acl } });
      bed.consul.script('leaf', async () => leafAnswer(await bed.consul.leaf('ambassador')));

      const { firstFail } = await Report.of(bed.start({ ...token, ...unhurried() }, CHECK));

      assert.deepEqual([firstFail?.check, firstFail?.code], [row, 'CONSUL_PERMISSION_DENIED']);
      assert.match(firstFail?.remedy ?? '', /service "ambassador" \{ policy = "write" \}/);
    });
  }

  test('a Consul that never answers costs ten seconds at most', async (t) => {
    const bed = await makeBed(t);
    const silent = await startSilentServer(t);

    const command = bed.start({ _CONSUL_PORT: silent.port, ...hurried() }, CHECK);
    await eventually('Consul is asked', () => silent.connections > 0);
    const from = performance.now();
    const { firstFail } = await Report.of(command);

    assert.deepEqual([firstFail?.check, firstFail?.code], ['consul', 'CONSUL_TIMEOUT']);
    // By its own deadlines; the rest is for a loaded machine.
    assert.ok(performance.now() - from < 60_000);
  });

  test('one that is interrupted is no good one, whatever hangs', async (t) => {
    const bed = await makeBed(t);
    const silent = await startSilentServer(t);
    const command = bed.start({ _CONSUL_PORT: silent.port }, CHECK);
    await eventually('Consul is asked', () => silent.connections > 0);

    const { code, ms } = await command.stop();

    assert.equal(code, 1);
    assert.ok(ms < 20_000, `ended after ${ms} ms`);
    assert.equal(command.stdout, '');
    assert.equal(command.stderr, 'interrupted\n');
  });

  test('a folder that is not there yet will be made, is not made by it, and needs no cluster', async (t) => {
    const bed = await makeBed(t);
    const directory = join(temporary(), 'made', 'by', 'the', 'daemon');

    const report = await Report.of(bed.start({ _OUTPUT_DIR: directory, KUBECONFIG: '' }, CHECK));

    assert.deepEqual(report.notPassed, []);
    assert.equal(report.row('directory')?.detail, `${directory} will be made`);
    assert.ok(!existsSync(directory));
    assert.deepEqual(bed.cluster.requests, []);
  });

  test('a file where the folder should be is a FAIL', async (t) => {
    const bed = await makeBed(t);
    const file = join(temporary(), 'file');
    writeFileSync(file, '');

    const { firstFail } = await Report.of(bed.start({ _OUTPUT_DIR: file }, CHECK));

    assert.equal(firstFail?.check, 'directory');
    assert.equal(firstFail?.code, 'DIRECTORY_UNWRITABLE');
    assert.equal(firstFail?.remedy, 'set _OUTPUT_DIR to a folder');
  });

  test('a bad configuration is exit 2 and the first row', async () => {
    const command = startDaemon({ _CONSUL_PORT: '85oo', _CONSUL_WAIT: '60' }, ['check']);

    assert.equal((await command.exited).code, 2);
    assert.match(command.stdout, /^FAIL {5}configuration[\s\S]*_CONSUL_PORT must[\s\S]*_CONSUL_WAIT must/);
  });

  test('a misspelt variable is a WARN that names the right one', async (t) => {
    const bed = await makeBed(t);

    const report = await Report.of(bed.start({ ...unhurried(), _AMBASSADOR_IDD: 'edge' }, CHECK));

    assert.equal(report.row('configuration')?.status, 'warn');
    assert.match(report.row('configuration')?.remedy ?? '', /set _AMBASSADOR_ID instead of _AMBASSADOR_IDD/);
  });
});
