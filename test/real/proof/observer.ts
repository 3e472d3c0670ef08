import type { Counters } from '../../fixtures/servers/envoy/envoy.ts';
import { NAMESPACE } from '../world.ts';
import type { EnvoyName } from './load.ts';
import { DEFAULT_NAMESPACE, secretWrites } from './publications.ts';
import type { Stage } from './stage.ts';
import type { ProofEvent } from './timeline.ts';

/** What one Envoy did during an event. */
export interface EnvoyObservation {
  readonly name: EnvoyName;
  /** Of the Secrets or the folder it uses, in milliseconds since the epoch. */
  readonly writes: readonly number[];
  readonly counted: Counters;
  readonly clusters: number;
  /** For each leaf that was presented for the first time: since its write, in milliseconds. */
  readonly handshakesAfterMs: readonly number[];
}

export interface Observation {
  readonly event: ProofEvent;
  /** In milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly envoys: readonly EnvoyObservation[];
}

export interface Observer {
  observe(event: ProofEvent, run: () => Promise<void>): Promise<Observation>;
}

export function makeObserver(stage: Stage): Observer {
  const { world, envoys } = stage;
  const writesOf = async (name: EnvoyName): Promise<readonly number[]> => {
    if (name === 'envoy folder') return stage.folderWrites();
    const namespace = name === 'envoy' ? DEFAULT_NAMESPACE : NAMESPACE;
    return (await secretWrites(world, namespace)).map(({ at }) => at).sort((a, b) => a - b);
  };
  const count = () => Promise.all(envoys.map((envoy) => envoy.counters()));

  return {
    async observe(event, run) {
      const before = await count();
      const from = Date.now();
      await run();
      const to = Date.now();
      const after = await count();
      const observed = envoys.map(async ({ name, sightings, clusters }, index) => {
        const writes = await writesOf(name);
        const during = (at: number) => at >= from && at < to;
        return {
          name,
          clusters,
          writes: writes.filter(during),
          counted: difference(after[index], before[index]),
          handshakesAfterMs: sightings.flatMap(({ at }) => {
            // The first leaf of all was written before there was a gateway.
            const write = writes.findLast((each) => during(each) && each <= at);
            return during(at) && write !== undefined ? [at - write] : [];
          }),
        };
      });
      return { event, from, to, envoys: await Promise.all(observed) };
    },
  };
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
