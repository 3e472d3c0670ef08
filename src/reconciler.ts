import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { describeError, IdentityError, PublishError } from './errors.ts';
import { type Decision, decide, type Published } from './identity/decide.ts';
import type { LeafMaterial } from './identity/identity.ts';
import { buildTrustBundle, type ListedRoots, type TrustBundle } from './identity/trust-bundle.ts';
import { backoffMs } from './pace.ts';
import type { Publisher } from './publish/publisher.ts';
import type { Health } from './status/health.ts';
import type { Metrics } from './status/metrics.ts';

export interface ReconcilerOptions {
  readonly publisher: Publisher;
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** Whether the gateway verifies its peers by the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
}

/** What one reconciliation came to. */
export interface Reconciliation {
  /** Undefined while Consul has not answered, or its roots cannot be used. */
  readonly decision: Decision | undefined;
  /** Why the roots cannot be used, if so. */
  readonly fault: IdentityError | undefined;
  readonly wrote: boolean;
}

const MOST_CONFLICTS = 8;
const CONFLICT_BACKOFF_CAP_MS = 500;

/** Brings what Consul says and what is published together: reads, lets `identity/` decide, writes what it decided. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  #roots: ListedRoots | undefined;
  #leaf: LeafMaterial | undefined;
  /** The bundle as it was last, since when, and until when it was said to be held. */
  #bundle = { pem: '', since: 0, heldUntil: 0 };
  #lastRefused = '';
  #lastDropped = '';

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  takeRoots(roots: ListedRoots): void {
    this.#roots = roots;
  }

  takeLeaf(leaf: LeafMaterial): void {
    this.#leaf = leaf;
  }

  /** @throws PublishError when the place of publication cannot be read or written: try again later */
  async reconcile(signal: AbortSignal): Promise<Reconciliation> {
    for (let conflicts = 1; ; conflicts += 1) {
      const result = await this.#attempt(signal);
      if (result !== 'conflict') return result;
      if (conflicts === MOST_CONFLICTS || signal.aborted) {
        throw new PublishError(
          'KUBERNETES_CONFLICT',
          `somebody else wrote first, ${conflicts} times in a row`,
          {
            remedy: 'see with kubectl get --show-managed-fields who else writes the Secret or the Service',
          },
        );
      }
      const { clock } = this.#options;
      await clock.sleep(backoffMs(conflicts, clock.random, CONFLICT_BACKOFF_CAP_MS, 20), signal);
    }
  }

  async #attempt(signal: AbortSignal): Promise<Reconciliation | 'conflict'> {
    const { publisher, service, verifiesUpstream, clock, health, metrics } = this.#options;
    const published = await this.#reporting('identity', () => publisher.read(signal));
    if (this.#roots === undefined) {
      health.solved('identity');
      if (isWhole(published, verifiesUpstream)) await this.#announce(signal);
      return { decision: undefined, fault: undefined, wrote: false };
    }
    const at = clock.now();
    const bundle = tryBuildTrustBundle(this.#roots, at);
    if (bundle instanceof IdentityError) {
      this.#refuse(bundle);
      health.problem('trust', bundle);
      health.solved('identity');
      return { decision: undefined, fault: bundle, wrote: false };
    }
    health.solved('trust');
    this.#drop(bundle.dropped);
    if (bundle.pem !== this.#bundle.pem) this.#bundle = { pem: bundle.pem, since: at, heldUntil: 0 };
    const upstream = verifiesUpstream ? { rootsSince: this.#bundle.since } : undefined;
    const decision = decide({ published, candidate: this.#leaf, service, bundle, at, upstream });
    this.#logHold(decision);
    if (decision.refused === undefined) this.#lastRefused = '';
    else this.#refuse(decision.refused);
    if (decision.content === undefined) {
      health.solved('identity');
      health.unpublished(`${decision.condemned?.detail ?? 'nothing is published'}; ${decision.reason}`);
      return { decision, fault: undefined, wrote: false };
    }

    const { content } = decision;
    const outcome = await this.#reporting('identity', () => publisher.write({ content, decision }, signal));
    if (outcome === 'conflict') return 'conflict';
    health.solved('identity');
    health.published(content.identity);
    metrics.published(content.identity);
    if (outcome === 'written') this.#logWrite(decision);
    if ((await this.#announce(signal)) === 'conflict') return 'conflict';
    return { decision, fault: undefined, wrote: outcome === 'written' };
  }

  async #announce(signal: AbortSignal): Promise<'settled' | 'conflict'> {
    const { publisher, health, metrics, logger } = this.#options;
    const outcome = await this.#reporting('service', () => publisher.announce(signal));
    if (outcome === 'conflict') return 'conflict';
    health.solved('service');
    if (outcome === 'written') {
      metrics.wrote('service', 'repair');
      logger.info({ service: publisher.target['service'] }, 'wrote the Service with the TLSContext');
    }
    return 'settled';
  }

  /** Runs `work`; what it throws becomes a reason for being unready, until that part is solved. */
  async #reporting<T>(part: 'identity' | 'service', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#options.health.problem(part, error);
      throw error;
    }
  }

  #logWrite(decision: Decision): void {
    const { logger, metrics, publisher } = this.#options;
    const { cause, content, writesLeaf, writesBundle, reason } = decision;
    metrics.wrote('identity', cause ?? 'repair');
    logger.info(
      {
        ...publisher.target,
        leaf: writesLeaf,
        bundle: writesBundle,
        reason: cause === undefined ? 'repair: labels or annotations were edited' : reason,
        spiffeId: content?.identity.spiffeId.uri,
        serial: content?.identity.leaf.x509.serialNumber.toLowerCase(),
        notAfter: new Date(content?.identity.leaf.notAfter ?? 0).toISOString(),
      },
      'published the identity',
    );
  }

  /** Says once that new roots wait, not each time that is found. */
  #logHold({ heldUntil }: Decision): void {
    if (heldUntil === undefined || heldUntil === this.#bundle.heldUntil) return;
    this.#bundle.heldUntil = heldUntil;
    this.#options.logger.info(
      { ...this.#options.publisher.target, until: new Date(heldUntil).toISOString() },
      'the new root is cross-signed, it waits to be published with the new leaf',
    );
  }

  /** Says once what is wrong with what Consul sent, not each time it is looked at. */
  #refuse(error: IdentityError): void {
    const { logger, metrics, publisher } = this.#options;
    if (error.message === this.#lastRefused) return;
    this.#lastRefused = error.message;
    metrics.refused(error.code);
    logger.warn(
      { ...publisher.target, ...describeError(error) },
      'refused what Consul sent, the published identity stays',
    );
  }

  /** Says once which of the roots are left out. */
  #drop(dropped: readonly string[]): void {
    const all = dropped.join('; ');
    if (all === this.#lastDropped) return;
    this.#lastDropped = all;
    if (all === '') return;
    this.#options.logger.warn(
      { dropped, remedy: 'none is needed for an expired root; else look at GET /v1/agent/connect/ca/roots' },
      'left out roots that Consul lists',
    );
  }
}

/** Whether all is published that the gateway is told of: a TLSContext that names a missing Secret would break it. */
function isWhole(published: Published | undefined, verifiesUpstream: boolean): boolean {
  return published !== undefined && (!verifiesUpstream || published.upstreamCaPem !== undefined);
}

function tryBuildTrustBundle(roots: ListedRoots, at: number): TrustBundle | IdentityError {
  try {
    return buildTrustBundle(roots, at);
  } catch (error) {
    if (error instanceof IdentityError) return error;
    throw error;
  }
}
