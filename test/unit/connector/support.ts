import { pino } from 'pino';
import { LOOPS } from '../../../src/connector/connector.ts';
import { Reporter } from '../../../src/connector/reporter.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Target } from '../../../src/publish/target.ts';
import { EventLog } from '../../../src/status/event-log.ts';
import { Health } from '../../../src/status/health.ts';
import { Metrics } from '../../../src/status/metrics.ts';

export { newConnector } from '../../simulation/simulated-connector.ts';

const TARGET: Target = {
  kind: 'kubernetes',
  server: 'https://kubernetes.example:6443',
  secret: { namespace: 'gateways', name: 'edge-consul-connect' },
  upstreamCaSecret: undefined,
  service: undefined,
};

interface Line {
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** A clock that shows the time a test sets, and on which nothing sleeps. */
export function clockOf(time: { now: number }): Clock {
  return { now: () => time.now, monotonic: () => time.now, sleep: async () => undefined, random: () => 0 };
}

/** A reporter and all that it reports to. */
export function newReporter(clock: Clock = systemClock, level: 'debug' | 'info' = 'info') {
  const lines: Line[] = [];
  const eventLog = new EventLog();
  const metrics = new Metrics('test');
  const health = new Health(clock, LOOPS, 60_000);
  const logger = pino({ level }, { write: (line) => lines.push(JSON.parse(line)) });
  const reporter = new Reporter({ clock, logger, metrics, health, eventLog, target: TARGET });
  return { reporter, lines, eventLog, metrics, health };
}
