import { type Answer, httpRequest } from '../../test/fixtures/servers/http.ts';

/** Envoy with each of the ways in which it gets its identity. */
export const ENVOYS = ['envoy', 'envoy verifying', 'envoy folder'] as const;
export type EnvoyName = (typeof ENVOYS)[number];

/** What sends requests into the mesh. The control goes through every Envoy to an upstream without TLS. */
export const CLIENTS = [...ENVOYS, 'envoy control', 'nginx', 'haproxy', 'reference client'] as const;
export type ClientName = (typeof CLIENTS)[number];

export interface Target {
  readonly client: ClientName;
  readonly service: string;
  /** One request on a connection of its own. @throws if the answer is not that of the service */
  send(): Promise<void>;
}

/** A target behind a gateway, which sends `/<path>` to the service. */
export function through(client: ClientName, port: number, service: string, path = service): Target {
  const send = async () => checkAnswer(await httpRequest(`http://127.0.0.1:${port}/${path}`), service);
  return { client, service, send };
}

/** @throws Error unless the service itself answered */
export function checkAnswer({ status, body }: Answer, service: string): void {
  // Envoy reports in plain text why it could not reach the service.
  if (status !== 200) throw new Error(`status ${status} ${body.startsWith('<') ? '' : body}`);
  if (!body.startsWith(`{"service":"${service}"`)) throw new Error('another service answered');
}

/** One request and its result. */
export interface Sample {
  readonly client: ClientName;
  readonly service: string;
  /** When it was sent, in milliseconds since the epoch: a request counts for the event during which it was sent. */
  readonly at: number;
  readonly failure?: string;
  /** It failed because something took too long. */
  readonly timedOut?: boolean;
}

/**
 * On loopback an identity that does not work is refused within milliseconds. What fails later fails because of an
 * overloaded machine. The shortest limit is that of a sidecar, which gives its service 1 s to accept.
 */
const TIMED_OUT_MS = 900;

export interface Load {
  readonly samples: readonly Sample[];
  /** Stops sending; resolves when every request has ended. */
  stop(): Promise<void>;
}

/**
 * A steady load: requests to each target at regular intervals, whether earlier ones were answered or not.
 *
 * @param requestsPerSecond to each target
 * @param maxSeconds a bound, in case the timeline takes longer
 */
export function startLoad(targets: readonly Target[], requestsPerSecond: number, maxSeconds: number): Load {
  const samples: Sample[] = [];
  const open = new Set<Promise<void>>();
  const started = performance.now();
  const perSecond = requestsPerSecond * targets.length;
  const max = perSecond * maxSeconds;
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
    const due = Math.min(max, Math.floor(((performance.now() - started) * perSecond) / 1_000));
    // A stalled machine does not catch up in a burst, which would measure the burst.
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

/** The results of some requests. */
export interface Outcome {
  readonly sent: number;
  readonly failed: number;
  /** Of the failed ones, those that an overloaded machine explains. */
  readonly timedOut: number;
  /** When the other failed requests were sent, the first and the last, in milliseconds since the epoch. */
  readonly failing: readonly [number, number] | undefined;
  /** The first few, each once. */
  readonly reasons: readonly string[];
}

const MAX_REASONS = 3;

export function outcome(samples: readonly Sample[]): Outcome {
  const failed = samples.filter(({ failure }) => failure !== undefined);
  const times = failed.filter(({ timedOut }) => !timedOut).map(({ at }) => at);
  return {
    sent: samples.length,
    failed: failed.length,
    timedOut: failed.length - times.length,
    failing: times.length === 0 ? undefined : [Math.min(...times), Math.max(...times)],
    reasons: [...new Set(failed.map(({ failure = '' }) => failure))].slice(0, MAX_REASONS),
  };
}

/** How many failed, but not because they took too long. */
export const refused = ({ failed, timedOut }: Outcome): number => failed - timedOut;
