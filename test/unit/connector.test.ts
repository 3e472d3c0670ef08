import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import { Connector, LOOPS, longestSilenceMs } from '../../src/connector.ts';
import { ConsulClient } from '../../src/consul/client.ts';
import type { Publisher } from '../../src/publish/publisher.ts';
import { Health } from '../../src/status/health.ts';
import { Metrics } from '../../src/status/metrics.ts';
import { Story } from '../../src/story.ts';
import { startEmbeddedConsul } from '../consul/embedded-consul.ts';
import { eventually } from '../e2e/support/eventually.ts';

const WAIT_MS = 1_000;

/** A place of publication with a bug, which no real one should have. */
const broken: Publisher = {
  target: {},
  run: async () => undefined,
  read: async () => {
    throw new TypeError('a bug of our own');
  },
  write: async () => 'unchanged',
  announce: async () => 'unchanged',
  close: async () => undefined,
};

test('an unexpected error while publishing is one line of the log, an error, and is tried again', async (t) => {
  const consul = await startEmbeddedConsul();
  t.after(() => consul.close());
  const lines: Record<string, unknown>[] = [];
  const end = new AbortController();
  const connector = new Connector({
    consul: new ConsulClient(
      {
        servers: [{ host: consul.host, port: consul.port }],
        tls: undefined,
        token: { kind: 'none' },
        scope: { namespace: undefined, partition: undefined, datacenter: undefined },
        service: 'ambassador',
      },
      systemClock,
    ),
    service: 'ambassador',
    verifiesUpstream: false,
    waitMs: WAIT_MS,
    publisher: broken,
    clock: systemClock,
    logger: pino({}, { write: (line) => lines.push(JSON.parse(line)) }),
    health: new Health(systemClock, LOOPS, longestSilenceMs(WAIT_MS)),
    metrics: new Metrics('test'),
    story: new Story(),
  });

  const running = connector.run(end.signal);
  await eventually('two failures', () => lines.length >= 2, 10_000);
  end.abort();
  await running;

  for (const [index, line] of lines.entries()) {
    const { level, msg, code, error, attempt } = line;
    assert.deepEqual(
      { level, msg, code, error, attempt },
      {
        level: pino.levels.values['error'],
        msg: 'publishing failed, will try again',
        code: 'UNEXPECTED',
        error: 'TypeError: a bug of our own',
        attempt: index + 1,
      },
    );
  }
});
