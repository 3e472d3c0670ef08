/** Envoy with each of the ways in which it gets its identity. */
export const ENVOYS = ['envoy', 'envoy verifying', 'envoy folder'] as const;
export type EnvoyName = (typeof ENVOYS)[number];

/** Whoever sends requests into the mesh. The control goes through every Envoy to an upstream without TLS. */
export const CLIENTS = [...ENVOYS, 'envoy control', 'nginx', 'haproxy', 'reference client'] as const;
export type ClientName = (typeof CLIENTS)[number];

export interface Target {
  readonly client: ClientName;
  readonly service: string;
  /** One request on a connection of its own. @throws if the answer is not that of the service */
  send(): Promise<void>;
}

/** One request and what became of it. */
export interface Sample {
  readonly client: ClientName;
  readonly service: string;
  /** When it was sent, in milliseconds since the epoch: an event answers for what was sent during it. */
  readonly at: number;
  readonly failure?: string;
  /** It failed by the time that something took. */
  readonly timedOut?: boolean;
}

/**
 * On loopback an identity that does not work is refused within milliseconds. What fails later is the work of a machine
 * that has no time for its processes. The shortest limit is that of a sidecar, which gives its service 1 s to accept.
 */
const TIMED_OUT_MS = 900;

export interface Load {
  readonly samples: readonly Sample[];
  /** Sends no more, and resolves when the last answer is there. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** To each target. */
  readonly requestsPerSecond: number;
  /** A bound, whatever happens to the time line. */
  readonly mostSeconds: number;
}

/** A steady load: each target gets its requests at even distances, whether earlier ones were answered or not. */
export function startLoad(targets: readonly Target[], { requestsPerSecond, mostSeconds }: LoadOptions): Load {
  const samples: Sample[] = [];
  const open = new Set<Promise<void>>();
  const started = performance.now();
  const perSecond = requestsPerSecond * targets.length;
  const most = perSecond * mostSeconds;
  let turn = 0;

  function sendOne(target: Target): void {
    const { client, service } = target;
    const at = Date.now();
    const sent = performance.now();
    const answered = target
      .send()
      .then(
        () => samples.push({ client, service, at }),
        (error: unknown) => {
          const failure = reason(error);
          const timedOut = performance.now() - sent >= TIMED_OUT_MS || /timeout/.test(failure);
          return samples.push({ client, service, at, failure, timedOut });
        },
      )
      .then(() => undefined)
      .finally(() => open.delete(answered));
    open.add(answered);
  }

  const timer = setInterval(() => {
    const due = Math.min(most, Math.floor(((performance.now() - started) * perSecond) / 1_000));
    // What a stalled machine missed is not made up for in a burst, which would measure the burst.
    turn = Math.max(turn, due - targets.length);
    for (; turn < due; turn += 1) {
      const target = targets[turn % targets.length];
      if (target !== undefined) sendOne(target);
    }
  }, 5);

  return {
    samples,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 160);
}
