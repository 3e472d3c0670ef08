import { SECRET } from '../world.ts';
import { CLIENTS, type ClientName, type Sample, startLoad } from './load.ts';
import { setStage } from './stage.ts';
import type { SubjectName } from './subject.ts';
import { type ProofEvent, timeline } from './timeline.ts';

export interface ProofOptions {
  readonly subject: SubjectName;
  /** To each service by each client. */
  readonly requestsPerSecond: number;
  readonly downSeconds: number;
  /** Told of each event as it begins. */
  readonly onEvent?: (name: string) => void;
}

/** What one client came to during one event. */
export interface Outcome {
  readonly sent: number;
  readonly failed: number;
  /** When failed requests were sent, the first and the last, in milliseconds since the epoch. */
  readonly failing: readonly [number, number] | undefined;
  /** The first few, each once. */
  readonly reasons: readonly string[];
}

/** One event: what was sent during it, and what became of it. Times are milliseconds since the epoch. */
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

/** A write of one of the two Secrets. */
export interface Write {
  readonly of: 'identity' | 'bundle';
  readonly at: number;
}

export interface Proof {
  readonly subject: SubjectName;
  readonly rows: readonly Row[];
  readonly samples: readonly Sample[];
  readonly reloads: readonly { readonly gateway: string; readonly at: number }[];
  readonly writes: readonly Write[];
  /** What a gateway could not load. */
  readonly gatewayFaults: readonly string[];
  /** The end of what every program printed, for whoever looks for a cause. */
  readonly output: string;
}

/** A row begins before the act it is named after: what is under way when the act comes was sent in that row. */
const LEAD_SECONDS = 2;
const MAX_REASONS = 3;
const MAX_SECONDS = 900;

/** Runs the whole time line, on servers of its own, in six to seven minutes with a minute of down time each. */
export async function prove({
  subject,
  requestsPerSecond,
  downSeconds,
  onEvent = () => undefined,
}: ProofOptions): Promise<Proof> {
  const stage = await setStage(subject);
  try {
    const load = startLoad(stage.targets, { requestsPerSecond, mostSeconds: MAX_SECONDS });
    const happened: { event: ProofEvent; from: number; to: number }[] = [];
    try {
      for (const event of timeline(downSeconds)) {
        onEvent(event.name);
        const from = Date.now();
        await stage.seconds(LEAD_SECONDS);
        await event.run(stage);
        happened.push({ event, from, to: Date.now() });
      }
    } finally {
      await load.stop();
    }
    // Both Secrets; the one with the bundle is written by the connector only.
    const [identity, bundle] = await Promise.all([
      stage.world.writes('secrets', SECRET),
      stage.world.writes('secrets', `${SECRET}-ca`),
    ]);
    const writes: Write[] = [
      ...identity.map(({ at }) => ({ of: 'identity' as const, at })),
      // A create names no object in the audit log, so it is among the writes of both.
      ...bundle.filter(({ verb }) => verb !== 'create').map(({ at }) => ({ of: 'bundle' as const, at })),
    ];
    const { samples } = load;
    const { reloads } = stage.reloader;
    const rows = happened.map(({ event, from, to }): Row => {
      const during = ({ at }: { readonly at: number }) => at >= from && at < to;
      const mine = samples.filter(during);
      const reloadsOf = (name: string) =>
        reloads.filter((each) => each.gateway === name && during(each)).length;
      return {
        event: event.name,
        note: event.note,
        expectedWrites: event.writes,
        from,
        to,
        outcomes: {
          nginx: outcome(mine, 'nginx'),
          haproxy: outcome(mine, 'haproxy'),
          'perfect client': outcome(mine, 'perfect client'),
        },
        reloads: { nginx: reloadsOf('nginx'), haproxy: reloadsOf('haproxy') },
        writes: writes.filter(during).length,
      };
    });
    const gatewayFaults = stage.gateways.flatMap((gateway) =>
      gateway
        .output()
        .split('\n')
        .filter((line) => /\[(emerg|alert)\]/i.test(line)),
    );
    return { subject, rows, samples, reloads, writes, gatewayFaults, output: stage.output() };
  } finally {
    await stage.stop();
  }
}

function outcome(samples: readonly Sample[], client: ClientName): Outcome {
  const mine = samples.filter((sample) => sample.client === client);
  const failed = mine.filter(({ failure }) => failure !== undefined);
  const times = failed.map(({ at }) => at);
  return {
    sent: mine.length,
    failed: failed.length,
    failing: times.length === 0 ? undefined : [Math.min(...times), Math.max(...times)],
    reasons: [...new Set(failed.map(({ failure = '' }) => failure))].slice(0, MAX_REASONS),
  };
}

/** What breaks the rule: no gateway fails in a row in which the perfect client does not. */
export function violations({ rows }: Proof): readonly string[] {
  return rows.flatMap(({ event, outcomes }) =>
    CLIENTS.filter((client) => outcomes[client].failed > 0 && outcomes['perfect client'].failed === 0).map(
      (client) => `${event}: ${client} failed ${outcomes[client].failed}: ${outcomes[client].reasons}`,
    ),
  );
}
