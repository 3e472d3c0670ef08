import type { EnvoyName, Sample } from './load.ts';
import type { Observation } from './observer.ts';
import { outcome } from './outcome.ts';

/** One event and one Envoy. */
export interface EnvoyRow {
  readonly event: string;
  readonly configuration: string;
  readonly requests: number;
  readonly failed: number;
  /** Of the failed ones. */
  readonly timedOut: number;
  readonly controlRequests: number;
  readonly controlFailed: number;
  readonly referenceRequests: number;
  readonly referenceFailed: number;
  /** Of its Secrets, or of the folder. */
  readonly writes: number;
  readonly expectedWrites: number;
  /** The clusters with TLS. */
  readonly clusters: number;
  readonly clustersModified: number;
  readonly listenersModified: number;
  readonly contextsReplaced: number;
  readonly updatesRejected: number;
  readonly handshakes: number;
  readonly sessionsResumed: number;
  /** From the write to the first handshake with the new leaf, one for each leaf. */
  readonly handshakesAfterMs: readonly number[];
}

export const CONFIGURATIONS: Readonly<Record<EnvoyName, string>> = {
  envoy: 'Secret',
  'envoy verifying': 'Secret, verify-upstream',
  'envoy folder': 'folder',
};

export function envoyRows(
  observations: readonly Observation[],
  samples: readonly Sample[],
): readonly EnvoyRow[] {
  return observations.flatMap(({ event, from, to, envoys }) => {
    const during = samples.filter(({ at }) => at >= from && at < to);
    const reference = outcome(during.filter(({ client }) => client === 'reference client'));
    return envoys.map(({ name, writes, counted, clusters, handshakesAfterMs }): EnvoyRow => {
      const through = outcome(during.filter(({ client }) => client === name));
      const control = outcome(
        during.filter(({ client, service }) => client === 'envoy control' && service === name),
      );
      return {
        event: event.name,
        configuration: CONFIGURATIONS[name],
        requests: through.sent,
        failed: through.failed,
        timedOut: through.timedOut,
        controlRequests: control.sent,
        controlFailed: control.failed,
        referenceRequests: reference.sent,
        referenceFailed: reference.failed,
        writes: writes.length,
        expectedWrites: name === 'envoy verifying' ? event.writes : event.writesByDefault,
        clusters,
        ...counted,
        handshakesAfterMs,
      };
    });
  });
}
