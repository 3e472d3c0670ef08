import type { EnvoyRow } from './envoy-rows.ts';
import type { Proof } from './proof.ts';

/** What `npm run proof -- --json` prints. */
export interface Summary {
  /** Through the gateways that took part; the control route and the reference client are not in it. */
  readonly requests: number;
  /** Of these, in the rows in which the reference client failed none. */
  readonly failed: number;
  /** Of these, in the other rows: the mesh itself rejected all clients for a while. */
  readonly failedWithReference: number;
  readonly rows: readonly SummaryRow[];
}

export interface SummaryRow extends Partial<Omit<EnvoyRow, 'event' | 'configuration'>> {
  readonly gateway: 'envoy' | 'nginx' | 'haproxy';
  readonly configuration: string;
  readonly event: string;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly referenceFailed: number;
  readonly note?: string | undefined;
}

const OTHERS = { nginx: 'Secret, verify-upstream', haproxy: 'Secret' } as const;

export function summary({ rows, envoyRows, clients }: Proof): Summary {
  const all = rows.flatMap(({ event, note, from, to, outcomes, reloads, writes }): SummaryRow[] => {
    const common = { event, seconds: Math.round((to - from) / 1_000), note };
    const reference = outcomes['reference client'];
    const ofEnvoy = envoyRows
      .filter((row) => row.event === event)
      .map((row): SummaryRow => ({ gateway: 'envoy', ...row, ...common }));
    const others = (['nginx', 'haproxy'] as const).filter((gateway) => clients.includes(gateway));
    const ofOthers = others.map((gateway) => ({
      gateway,
      configuration: OTHERS[gateway],
      ...common,
      requests: outcomes[gateway].sent,
      failed: outcomes[gateway].failed,
      timedOut: outcomes[gateway].timedOut,
      referenceRequests: reference.sent,
      referenceFailed: reference.failed,
      writes,
      reloads: reloads[gateway],
    }));
    return [...ofEnvoy, ...ofOthers];
  });
  const failed = (withReference: boolean) =>
    sum(all.filter((row) => row.referenceFailed > 0 === withReference).map((row) => row.failed));
  return {
    requests: sum(all.map(({ requests }) => requests)),
    failed: failed(false),
    failedWithReference: failed(true),
    rows: all,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
