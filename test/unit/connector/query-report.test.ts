import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { LOOPS } from '../../../src/connector/connector.ts';
import { reportOn } from '../../../src/connector/query-report.ts';
import { ConsulError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Health } from '../../../src/status/health.ts';
import { Metrics } from '../../../src/status/metrics.ts';

function reportOf(query: 'roots' | 'leaf') {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const metrics = new Metrics('test');
  const health = new Health(systemClock, LOOPS, 60_000);
  return {
    lines,
    report: reportOn(query, { clock: systemClock, logger, metrics, health }),
    problem: () => health.snapshot().problems.get(query)?.code,
    async isUp(): Promise<boolean> {
      const text = await metrics.text(true);
      return new RegExp(`^ambassador_consul_connector_consul_up\\{query="${query}"\\} 1$`, 'm').test(text);
    },
  };
}

test('roots out of the cache of an agent without servers are a problem, told once until an answer is fresh', async () => {
  const { report, lines, problem, isUp } = reportOf('roots');

  report.onResponse(undefined, false);
  assert.deepEqual([problem(), await isUp()], [undefined, true]);
  for (const age of [2, 4, 6]) {
    report.onResponse(age, false);
    assert.deepEqual([problem(), await isUp()], ['CONSUL_NO_SERVERS', false]);
  }
  report.onResponse(0, false);
  assert.deepEqual([problem(), await isUp()], [undefined, true]);
  report.onResponse(2, false);

  assert.deepEqual(
    lines.map(({ msg, code, ageSeconds }) => [msg, code, ageSeconds]),
    Array(2).fill(['the Consul agent returned stale CA roots', 'CONSUL_NO_SERVERS', 2]),
  );
});

test('a leaf is always out of a cache, and no problem; right after a failure it does not end that one', async () => {
  const { report, lines, problem, isUp } = reportOf('leaf');

  report.onResponse(9, false);
  assert.deepEqual([problem(), await isUp()], [undefined, true]);
  report.onError(new ConsulError('CONSUL_NO_SERVERS', 'none', { remedy: 'see' }), 1, 10);
  report.onResponse(10, true);
  assert.deepEqual([problem(), await isUp()], ['CONSUL_NO_SERVERS', false]);
  report.onResponse(11, false);
  assert.deepEqual([problem(), await isUp()], [undefined, true]);

  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['Consul query failed, retrying'],
  );
});
