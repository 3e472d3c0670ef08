import { getPriority, setPriority } from 'node:os';
import type { HeldCluster } from '../../test/fixtures/servers/envoy/envoy.ts';
import { NAMESPACE } from '../../test/real/world.ts';
import { type EnvoyRow, envoyRows, type Observation, observe } from './envoy-rows.ts';
import {
  CLIENTS,
  type ClientName,
  type EnvoyName,
  type Outcome,
  outcome,
  refused,
  type Sample,
  startLoad,
} from './load.ts';
import { secretWrites, type Write } from './publications.ts';
import { GATEWAYS, type GatewayName, setStage } from './stage.ts';
import type { SubjectName } from './subject.ts';
import type { ProofEvent } from './timeline.ts';

export interface ProofOptions {
  readonly subject: SubjectName;
  /** All by default. */
  readonly gateways?: readonly GatewayName[];
  readonly events: readonly ProofEvent[];
  /** To each service by each client. */
  readonly requestsPerSecond: number;
  /** Called with each event as it begins. */
  readonly onEvent?: (name: string) => void;
}

/** One event, and the results of the requests that were sent during it. Times are milliseconds since the epoch. */
export interface Row {
  readonly event: string;
  readonly note: string | undefined;
  readonly expectedWrites: number;
  readonly from: number;
  readonly to: number;
  readonly outcomes: Readonly<Record<ClientName, Outcome>>;
  readonly reloads: Readonly<Record<'nginx' | 'haproxy', number>>;
  readonly writes: number;
}

export interface Proof {
  readonly subject: SubjectName;
  /** Those that took part. */
  readonly clients: readonly ClientName[];
  readonly rows: readonly Row[];
  readonly envoyRows: readonly EnvoyRow[];
  readonly samples: readonly Sample[];
  /** Of Envoy, when it was given a configuration. */
  readonly reloads: readonly { readonly gateway: string; readonly at: number }[];
  /** When an Envoy first presented a leaf. */
  readonly presented: readonly { readonly gateway: string; readonly at: number }[];
  /** Of the connector that nginx, HAProxy and the verifying Envoy depend on. */
  readonly writes: readonly Write[];
  /** What Envoy held at the end, by its name. */
  readonly heldClusters: readonly { readonly by: EnvoyName; readonly cluster: HeldCluster }[];
  /** What a gateway could not load. */
  readonly gatewayFaults: readonly string[];
  /** The end of what every program printed, to look for a cause. */
  readonly output: string;
}

/** A row begins before the act of its name: a request under way at the time of the act was sent in that row. */
const LEAD_SECONDS = 2;
const MAX_SECONDS = 900;
/** Where allowed, before the other work of the machine: a gateway that lacks a processor fails for other reasons. */
const PRIORITY = -10;

/** Runs the events one after the other, on servers of its own. */
export async function prove({
  subject,
  gateways = GATEWAYS,
  events,
  requestsPerSecond,
  onEvent = () => undefined,
}: ProofOptions): Promise<Proof> {
  const priority = getPriority();
  trySetPriority(PRIORITY);
  const stage = await setStage(subject, gateways);
  try {
    const load = startLoad(stage.targets, requestsPerSecond, MAX_SECONDS);
    const observations: Observation[] = [];
    try {
      for (const event of events) {
        onEvent(event.name);
        const run = async () => {
          await stage.seconds(LEAD_SECONDS);
          await event.run(stage);
        };
        observations.push(await observe(stage, event, run));
      }
    } finally {
      await load.stop();
    }
    const { samples } = load;
    const { envoys, reloader } = stage;
    const writes = await secretWrites(stage.world, NAMESPACE);
    const rows = observations.map(({ event, from, to }): Row => {
      const during = ({ at }: { readonly at: number }) => at >= from && at < to;
      const mine = samples.filter(during);
      const reloads = reloader.reloads.filter(during);
      const reloadsOf = (name: string) => reloads.filter(({ gateway }) => gateway === name).length;
      const of = (client: ClientName) => outcome(mine.filter((sample) => sample.client === client));
      return {
        event: event.name,
        note: event.note,
        expectedWrites: event.writes,
        from,
        to,
        outcomes: {
          envoy: of('envoy'),
          'envoy verifying': of('envoy verifying'),
          'envoy folder': of('envoy folder'),
          'envoy control': of('envoy control'),
          nginx: of('nginx'),
          haproxy: of('haproxy'),
          'reference client': of('reference client'),
        },
        reloads: { nginx: reloadsOf('nginx'), haproxy: reloadsOf('haproxy') },
        writes: writes.filter(during).length,
      };
    });
    const held = envoys.map(async ({ name: by, heldClusters }) =>
      (await heldClusters()).map((cluster) => ({ by, cluster })),
    );
    const output = stage.gateways.flatMap((gateway) => gateway.output().split('\n'));
    return {
      subject,
      clients: CLIENTS.filter((client) => stage.targets.some((target) => target.client === client)),
      rows,
      envoyRows: envoyRows(observations, samples),
      samples,
      reloads: [
        ...reloader.reloads,
        ...envoys.flatMap(({ name, pushes }) => pushes.map((at) => ({ gateway: name, at }))),
      ],
      presented: envoys.flatMap(({ name, sightings }) => sightings.map(({ at }) => ({ gateway: name, at }))),
      writes,
      heldClusters: (await Promise.all(held)).flat(),
      gatewayFaults: [
        ...output.filter((line) => /\[(emerg|alert)\]/i.test(line)),
        ...envoys.flatMap((envoy) => envoy.faults()),
      ],
      output: stage.output(),
    };
  } finally {
    await stage.stop();
    trySetPriority(priority);
  }
}

function trySetPriority(priority: number): void {
  try {
    setPriority(priority);
  } catch {
    // Only root may raise it.
  }
}

/** The violations of the rule: no request through a gateway is refused in a row in which none of the reference client is. */
export function violations({ rows, clients }: Proof): readonly string[] {
  return rows.flatMap(({ event, outcomes }) =>
    clients
      .filter((client) => refused(outcomes[client]) > 0 && refused(outcomes['reference client']) === 0)
      .map(
        (client) => `${event}: ${client} failed ${refused(outcomes[client])}: ${outcomes[client].reasons}`,
      ),
  );
}
