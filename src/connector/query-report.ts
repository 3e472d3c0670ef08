import type { Logger } from 'pino';
import type { BlockingQueryOptions } from '../consul/blocking-query.ts';
import { errorOfStaleRoots } from '../consul/errors/status.ts';
import { describeError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../status/health.ts';
import type { Metrics } from '../status/metrics.ts';

export interface QueryReportOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
}

export type QueryReport = Pick<BlockingQueryOptions<unknown>, 'onResponse' | 'onTimeout' | 'onError'>;

const STALE = 'the Consul agent returned stale CA roots';

/** What log, metrics and status port are told of one of the two blocking queries. */
export function reportOn(
  query: 'roots' | 'leaf',
  { clock, logger, health, metrics }: QueryReportOptions,
): QueryReport {
  let wasStale = false;
  return {
    onResponse(ageSeconds, isRecovering) {
      health.heartbeat(query);
      health.recordAnswer(query, ageSeconds);
      // A leaf is always from the agent's cache; for roots an age means that the agent lost its servers.
      const isStale = query === 'roots' && ageSeconds !== undefined && ageSeconds > 0;
      const isUp = !isStale && !isRecovering;
      metrics.consulAnswered(query, clock.now(), ageSeconds, isUp);
      if (isUp) health.clearProblem(query);
      if (isStale) {
        const error = errorOfStaleRoots(ageSeconds);
        health.setProblem(query, error);
        if (!wasStale) logger.warn({ ageSeconds, ...describeError(error) }, STALE);
      }
      wasStale = isStale;
    },
    onTimeout() {
      health.heartbeat(query);
      metrics.consulSilent(query);
      logger.debug({ query }, 'a blocking query timed out without an answer, sending a new one');
    },
    onError(error, attempt, retryMs) {
      health.heartbeat(query);
      health.setProblem(query, error);
      metrics.consulFailed(query, error.code);
      logger.warn({ query, ...describeError(error), attempt, retryMs }, 'Consul query failed, retrying');
    },
  };
}
