import type { Counters } from '../../test/fixtures/servers/envoy/envoy.ts';
import { NAMESPACE } from '../../test/real/world.ts';
import { type EnvoyName, outcome, type Sample } from './load.ts';
import { DEFAULT_NAMESPACE, secretWrites } from './publications.ts';
import type { Stage } from './stage.ts';
import type { ProofEvent } from './timeline.ts';

/** What one Envoy did during an event. */
interface EnvoyObservation {
  readonly name: EnvoyName;
  /** How often its Secrets, or its folder, were written. */
  readonly writes: number;
  readonly counted: Counters;
  readonly clusters: number;
  readonly handshakesAfterMs: readonly number[];
}

export interface Observation {
  readonly event: ProofEvent;
  /** In milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly envoys: readonly EnvoyObservation[];
}

/** One event and one Envoy. */
export interface EnvoyRow extends Counters {
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
  /** From the write to the first handshake with the new leaf, one for each leaf. */
  readonly handshakesAfterMs: readonly number[];
}

export const CONFIGURATIONS: Readonly<Record<EnvoyName, string>> = {
  envoy: 'Secret',
  'envoy verifying': 'Secret, verify-upstream',
  'envoy folder': 'folder',
};

/** Runs the event, and records what each Envoy did meanwhile. */
export async function observe(
  stage: Stage,
  event: ProofEvent,
  run: () => Promise<void>,
): Promise<Observation> {
  const count = () => Promise.all(stage.envoys.map((envoy) => envoy.counters()));
  const before = await count();
  const from = Date.now();
  await run();
  const to = Date.now();
  const after = await count();
  const during = (at: number) => at >= from && at < to;
  const envoys = stage.envoys.map(async ({ name, sightings, clusters }, index): Promise<EnvoyObservation> => {
    const writes = (await writesOf(stage, name)).filter(during);
    return {
      name,
      clusters,
      writes: writes.length,
      counted: difference(after[index], before[index]),
      handshakesAfterMs: sightings.flatMap(({ at }) => {
        // The first leaf was written before the gateway started.
        const write = writes.findLast((each) => each <= at);
        return during(at) && write !== undefined ? [at - write] : [];
      }),
    };
  });
  return { event, from, to, envoys: await Promise.all(envoys) };
}

/** In milliseconds since the epoch. */
async function writesOf(stage: Stage, name: EnvoyName): Promise<readonly number[]> {
  if (name === 'envoy folder') return stage.folderWrites();
  const writes = await secretWrites(stage.world, name === 'envoy' ? DEFAULT_NAMESPACE : NAMESPACE);
  return writes.map(({ at }) => at).sort((a, b) => a - b);
}

function difference(after: Counters | undefined, before: Counters | undefined): Counters {
  const of = (name: keyof Counters) => (after?.[name] ?? 0) - (before?.[name] ?? 0);
  return {
    clustersModified: of('clustersModified'),
    listenersModified: of('listenersModified'),
    contextsReplaced: of('contextsReplaced'),
    updatesRejected: of('updatesRejected'),
    handshakes: of('handshakes'),
    sessionsResumed: of('sessionsResumed'),
  };
}

export function envoyRows(
  observations: readonly Observation[],
  samples: readonly Sample[],
): readonly EnvoyRow[] {
  return observations.flatMap(({ event, from, to, envoys }) => {
    const during = samples.filter(({ at }) => at >= from && at < to);
    const reference = outcome(during.filter(({ client }) => client === 'reference client'));
    return envoys.map(({ name, counted, ...observed }): EnvoyRow => {
      const { sent, failed, timedOut } = outcome(during.filter(({ client }) => client === name));
      const control = outcome(
        during.filter(({ client, service }) => client === 'envoy control' && service === name),
      );
      return {
        event: event.name,
        configuration: CONFIGURATIONS[name],
        requests: sent,
        failed,
        timedOut,
        controlRequests: control.sent,
        controlFailed: control.failed,
        referenceRequests: reference.sent,
        referenceFailed: reference.failed,
        expectedWrites: name === 'envoy verifying' ? event.writes : event.writesByDefault,
        ...counted,
        ...observed,
      };
    });
  });
}
