import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bed, makeBed } from './support/bed.ts';
import { assertStops, type Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

const START_WITHIN_MS = 60_000;

test('S7: SIGUSR1 does not open the inspector', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();

  daemon.signal('SIGUSR1');
  await sleep(500);

  assert.ok(daemon.running);
  assert.equal((await daemon.get('/livez')).status, 200);
  await assertStops(daemon);
  assert.doesNotMatch(daemon.stderr, /Debugger|ws:/);
});

describe('33: SIGTERM and SIGINT end the daemon within two seconds with exit code 0', {
  concurrency: 3,
}, () => {
  const states = [
    ['at its start', () => undefined, (_bed, daemon) => daemon.line('starting')],
    [
      'in a long poll',
      () => undefined,
      (bed) =>
        eventually(
          'polls',
          () => bed.secret() !== undefined && bed.consul.open('leaf') === 1,
          START_WITHIN_MS,
        ),
    ],
    [
      'while Consul hangs',
      (bed) => bed.consul.script('any', () => 'hang'),
      (bed) => eventually('a request', () => bed.consul.open('leaf') === 1, START_WITHIN_MS),
    ],
    [
      'while Consul stalls in an answer',
      (bed) => bed.consul.script('any', () => 'stall-after-headers'),
      (bed) => eventually('a request', () => bed.consul.open('leaf') === 1, START_WITHIN_MS),
    ],
    [
      'while Kubernetes hangs',
      (bed) => void bed.cluster.script({}, 'hang'),
      (bed) => eventually('a request', () => bed.cluster.requests.length > 0, START_WITHIN_MS),
    ],
    [
      'in a write that hangs',
      (bed) => void bed.cluster.script({ verb: 'create' }, 'hang'),
      (bed) =>
        eventually(
          'a write',
          () => bed.cluster.requests.some(({ verb }) => verb === 'create'),
          START_WITHIN_MS,
        ),
    ],
    [
      'while it waits to try again',
      (bed) => void bed.cluster.deny({ resource: 'secrets' }),
      (_bed, daemon) => daemon.line('publishing failed, retrying'),
    ],
  ] satisfies [string, (bed: Bed) => void, (bed: Bed, daemon: Daemon) => Promise<unknown>][];
  for (const [index, [when, prepare, reached]] of states.entries()) {
    // Both go the same way, so each state meets one of them.
    const signal = index % 2 === 0 ? 'SIGTERM' : 'SIGINT';
    test(`${signal} ${when}`, async (t) => {
      const bed = await makeBed(t);
      prepare(bed);
      const daemon = bed.start();
      await reached(bed, daemon);

      await assertStops(daemon, signal);
    });
  }
});

describe('P6: a second signal while a command stops changes nothing', { concurrency: 2 }, () => {
  for (const [command, code] of [
    ['run', 0],
    ['once', 1],
    ['render', 1],
    ['check', 1],
  ] as const) {
    test(`Ctrl-C twice at ${command} is exit ${code}, not a death by the signal`, async (t) => {
      const bed = await makeBed(t);
      bed.consul.script('any', () => 'hang');
      const process = bed.start({}, [command]);
      await eventually('a request', () => bed.consul.requests.length > 0, START_WITHIN_MS);

      process.signal('SIGINT');
      await sleep(20);
      process.signal('SIGINT');

      assert.equal((await process.exited).code, code);
    });
  }
});
