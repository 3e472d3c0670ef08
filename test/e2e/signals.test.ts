import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bed, makeBed } from './support/bed.ts';
import { assertStops, type Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

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
  const nothing = () => undefined;
  const queried = (bed: Bed) => eventually('a query', () => bed.consul.open('leaf') === 1);
  const requested = (verb?: string) => (bed: Bed) =>
    eventually('a request', () => bed.cluster.requests.some((each) => (verb ?? each.verb) === each.verb));
  const states: Record<string, [(bed: Bed) => unknown, (bed: Bed, daemon: Daemon) => Promise<unknown>]> = {
    'at its start': [nothing, (_bed, daemon) => daemon.line('starting')],
    'in a long poll': [nothing, (bed, daemon) => daemon.ready().then(() => queried(bed))],
    'while Consul hangs': [(bed) => bed.consul.script('any', () => 'hang'), queried],
    'while Consul stalls in a response': [
      (bed) => bed.consul.script('any', () => 'stall-after-headers'),
      queried,
    ],
    'while Kubernetes hangs': [(bed) => bed.cluster.script({}, 'hang'), requested()],
    'in a write that hangs': [(bed) => bed.cluster.script({ verb: 'create' }, 'hang'), requested('create')],
    'while the API server hangs on Events, which delay no publication': [
      (bed) => bed.cluster.script({ resource: 'events' }, 'hang'),
      async (bed, daemon) => {
        await daemon.ready();
        const before = bed.entry('tls.crt');
        await bed.consul.rotateRoot({ leafDelayMs: 0 });
        await eventually('the new leaf', () => bed.entry('tls.crt') !== before);
      },
    ],
    'while it waits to retry': [
      (bed) => bed.cluster.deny({ resource: 'secrets' }),
      (_bed, daemon) => daemon.line('publishing failed, retrying'),
    ],
  };
  for (const [index, [when, [prepare, reached]]] of Object.entries(states).entries()) {
    // Both are handled the same way, so each state gets one of them.
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

describe('P6: a second signal while a command stops has no effect', { concurrency: 2 }, () => {
  for (const [command, code] of [
    ['run', 0],
    ['once', 1],
    ['render', 1],
    ['check', 1],
  ] as const) {
    test(`Ctrl-C twice at ${command} is exit ${code}, not killed by the signal`, async (t) => {
      const bed = await makeBed(t);
      bed.consul.script('any', () => 'hang');
      const process = bed.start({}, [command]);
      await eventually('a request', () => bed.consul.requests.length > 0);

      process.signal('SIGINT');
      await sleep(20);
      process.signal('SIGINT');

      assert.equal((await process.exited).code, code);
    });
  }
});
