import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { startEmbeddedConsul } from '../../fixtures/consul/embedded-consul.ts';
import { ConsulModel } from '../../simulation/consul-model.ts';
import { MemoryTarget } from '../../simulation/memory-target.ts';
import { seededRandom, VirtualTime } from '../../simulation/virtual-time.ts';
import { clientOf, serverOf } from '../consul/clients.ts';
import { newConnector, newReporter } from './support.ts';

const HOUR_MS = 3_600_000;

test('an unexpected error while publishing is logged once as an error, and retried', async (t) => {
  const consul = await startEmbeddedConsul();
  t.after(() => consul.close());
  const { reporter, lines } = newReporter(systemClock, 'debug');
  const end = new AbortController();
  t.after(() => end.abort());
  const broken = new MemoryTarget(() => {
    throw new TypeError('a bug of our own');
  });
  const client = clientOf(t, { servers: [serverOf(consul)] });
  const connector = newConnector({ consul: client, publisher: broken, reporter });

  const running = connector.run(end.signal);
  await eventually('two failures', () => lines.some(({ attempt }) => attempt === 2));
  end.abort();
  await running;

  const failures = lines.filter(({ msg }) => msg === 'publishing failed, retrying');
  const [ERROR, DEBUG] = [50, 20];
  assert.deepEqual(
    failures.slice(0, 2).map(({ level, code, error, attempt }) => [level, code, error, attempt]),
    [
      [ERROR, 'UNEXPECTED', 'TypeError: a bug of our own', 1],
      [DEBUG, 'UNEXPECTED', 'TypeError: a bug of our own', 2],
    ],
  );
});

test('once a clock that was days ahead is corrected, what seemed to have expired is published within a minute', async () => {
  const start = Date.parse('2027-01-01T00:00:00Z');
  const time = new VirtualTime(start, seededRandom(1));
  const consul = await ConsulModel.start(time, 24 * HOUR_MS);
  const publisher = new MemoryTarget();
  const end = new AbortController();
  time.skewMs = 72 * HOUR_MS;
  // Consul's answers do not change in all this time: only the publishing loop can detect it.
  const connector = newConnector({ consul, publisher, clock: time.clock, waitMs: 12 * HOUR_MS });
  const running = connector.run(end.signal);

  await time.run(start + HOUR_MS, () => undefined);
  assert.equal(publisher.published, undefined);
  time.skewMs = 0;
  await time.run(start + HOUR_MS + 60_000, () => undefined);
  assert.notEqual(publisher.published, undefined);

  end.abort();
  await running;
});
