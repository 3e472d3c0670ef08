import { pino } from 'pino';
import { Connector, type ConnectorOptions, LOOPS } from '../../../src/connector/connector.ts';
import { Reporter } from '../../../src/connector/reporter.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Target } from '../../../src/publish/target.ts';
import { EventLog } from '../../../src/status/event-log.ts';
import { Health } from '../../../src/status/health.ts';
import { Metrics } from '../../../src/status/metrics.ts';
import { SERVICE } from '../../simulation/consul-model.ts';
import { ANYWHERE } from '../consul/asking.ts';

export const TARGET: Target = {
  kind: 'kubernetes',
  server: 'https://kubernetes.example:6443',
  secret: { namespace: 'gateways', name: 'edge-consul-connect' },
  upstreamCaSecret: undefined,
  service: undefined,
};

export interface Line {
  readonly msg: string;
  readonly [key: string]: unknown;
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

/** A connector of the service, by default on the system's clock and with a reporter that nothing reads. */
export function newConnector(
  options: Pick<ConnectorOptions, 'consul' | 'publisher'> & Partial<ConnectorOptions>,
): Connector {
  const { clock = systemClock, waitMs = 1_000 } = options;
  return new Connector({
    service: SERVICE,
    scope: ANYWHERE,
    verifiesUpstream: false,
    waitMs,
    clock,
    reporter: newReporter(clock).reporter,
    ...options,
  });
}
