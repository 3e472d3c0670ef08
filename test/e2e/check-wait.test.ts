import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { startDaemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { Report } from './support/report.ts';
import { startSilentServer } from './support/silent-server.ts';

/** A pause takes a fifth of its time; a request that comes too late on a loaded machine is repeated by the next check. */
const fast = () => fastTimeOf(5, Date.now());
const isVersion = ({ path }: { path: string }): boolean => path === '/version';

describe('check --wait', { concurrency: 2 }, () => {
  test('ends as soon as what failed is good, with the report of that check alone', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    bed.cluster.deny({ verb: 'patch', resource: 'secrets' });
    const command = bed.start(fast(), ['check', '--json', '--wait', '10m']);
    await eventually('a second check begins', () => bed.cluster.requests.filter(isVersion).length > 1);
    assert.equal(command.stdout, '', 'nothing is said of a check that failed');

    bed.cluster.allow({ verb: 'patch', resource: 'secrets' });
    const report = await Report.of(command);

    assert.deepEqual(report.notPassed, []);
    assert.equal(bed.cluster.writes(), 0);
  });

  test('of what never becomes good prints the report in time, and exits with 1', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();
    bed.cluster.deny({ verb: 'patch', resource: 'secrets' });

    const command = bed.start({}, ['check', '--wait', '10s']);
    const { code, ms } = await command.exited;

    assert.equal(code, 1, command.stdout);
    assert.match(command.stdout, /^FAIL {5}right to patch secrets /m);
    assert.equal(command.stdout.match(/Begin with the first FAIL/g)?.length, 1);
    // The rest is the start of the process and the machine's load.
    assert.ok(ms > 7_000 && ms < 20_000, `${ms} ms`);
    assert.ok(bed.cluster.requests.filter(isVersion).length > 1, 'it was repeated');
  });

  test('a Consul that never answers costs what was given, and not ten seconds', async (t) => {
    const bed = await makeBed(t);
    const silent = await startSilentServer(t);

    const command = bed.start({ _CONSUL_PORT: silent.port }, ['check', '--json', '--wait', '3s']);
    await eventually('Consul is asked', () => silent.connections > 0);
    const from = performance.now();
    const { firstFail } = await Report.of(command);

    assert.deepEqual([firstFail?.check, firstFail?.code], ['consul', 'CONSUL_TIMEOUT']);
    assert.ok(performance.now() - from < 8_000, 'in three seconds, and what a loaded machine adds');
  });

  test('is interrupted at once, between two checks too', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'patch', resource: 'secrets' });
    const command = bed.start({}, ['check', '--wait', '10m']);
    await eventually('a first check', () => bed.cluster.requests.some(isVersion));

    const { code } = await command.stop();

    assert.equal(code, 1);
    assert.equal(command.stderr, 'interrupted\n');
  });

  test('a bad configuration is exit 2 at once', async () => {
    const command = startDaemon({ _CONSUL_PORT: '85oo' }, ['check', '--wait', '10m']);

    assert.equal((await command.exited).code, 2);
    assert.match(command.stdout, /^FAIL {5}configuration/);
  });

  test('a duration that cannot be used is exit 2, and named', async () => {
    const command = startDaemon({}, ['check', '--wait', '60']);

    assert.equal((await command.exited).code, 2);
    assert.match(command.stderr, /^--wait 60: must be a duration from 1s to 10m with a unit/);
    assert.equal(command.stdout, '');
  });
});
