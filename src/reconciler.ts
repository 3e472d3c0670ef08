import { IdentityError, identityErrorOr, PublishError } from './errors.ts';
import { type Decision, decide, type Published } from './identity/decide.ts';
import type { LeafMaterial } from './identity/identity.ts';
import { buildTrustBundle, type ListedRoots } from './identity/trust-bundle.ts';
import { backoffMs } from './pace.ts';
import type { Publisher } from './publish/publisher.ts';
import { Report, type ReportOptions } from './report.ts';
import type { Health } from './status/health.ts';

export interface ReconcilerOptions extends Omit<ReportOptions, 'target'> {
  readonly publisher: Publisher;
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** Whether the gateway verifies its peers by the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  readonly health: Health;
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
  readonly #report: Report;
  #roots: ListedRoots | undefined;
  #leaf: LeafMaterial | undefined;
  /** The bundle as it was last, and since when. */
  #bundle = { pem: '', since: 0 };

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#report = new Report({ ...options, target: options.publisher.target });
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
    const roots = this.#roots;
    if (roots === undefined) {
      health.solved('identity');
      if (isWhole(published, verifiesUpstream)) await this.#announce(signal);
      return { decision: undefined, fault: undefined, wrote: false };
    }
    const at = clock.now();
    const bundle = identityErrorOr(() => buildTrustBundle(roots, at));
    if (bundle instanceof IdentityError) {
      this.#report.refused(bundle);
      health.problem('trust', bundle);
      health.solved('identity');
      return { decision: undefined, fault: bundle, wrote: false };
    }
    health.solved('trust');
    this.#report.dropped(bundle.dropped);
    if (bundle.pem !== this.#bundle.pem) this.#bundle = { pem: bundle.pem, since: at };
    const upstream = verifiesUpstream ? { rootsSince: this.#bundle.since } : undefined;
    const decision = decide({ published, candidate: this.#leaf, service, bundle, at, upstream });
    this.#report.held(decision.heldUntil);
    this.#report.refused(decision.refused);
    health.trusts(bundle, decision.heldUntil);
    if (decision.refused === undefined) health.solved('candidate');
    else health.problem('candidate', decision.refused);
    if (decision.content === undefined) {
      health.solved('identity');
      metrics.unpublished();
      health.unpublished(`${decision.condemned?.detail ?? 'nothing is published'}; ${decision.reason}`);
      return { decision, fault: undefined, wrote: false };
    }

    const { content } = decision;
    const outcome = await this.#reporting('identity', () => publisher.write({ content, decision }, signal));
    if (outcome === 'conflict') return 'conflict';
    health.solved('identity');
    if (outcome === 'postponed' && isOfNoUse(decision)) {
      metrics.unpublished();
      health.unpublished(`${decision.reason}; somebody else keeps changing it`);
      return { decision, fault: undefined, wrote: false };
    }
    health.published(content.identity);
    metrics.published(content.identity);
    if (outcome === 'written') this.#report.wrote(decision);
    this.#report.expiring(content.identity, at);
    if ((await this.#announce(signal)) === 'conflict') return 'conflict';
    return { decision, fault: undefined, wrote: outcome === 'written' };
  }

  async #announce(signal: AbortSignal): Promise<'settled' | 'conflict'> {
    const { publisher, health } = this.#options;
    const outcome = await this.#reporting('service', () => publisher.announce(signal));
    if (outcome === 'conflict') return 'conflict';
    health.solved('service');
    if (outcome === 'written') this.#report.wroteService();
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
}

/** Whether what is published before this decision is carried out is nothing, or nothing that works for the gateway. */
function isOfNoUse({ cause }: Decision): boolean {
  return cause === 'missing' || cause === 'unpublishable' || cause === 'other-identity';
}

/** Whether all is published that the gateway is told of: a TLSContext that names a missing Secret would break it. */
function isWhole(published: Published | undefined, verifiesUpstream: boolean): boolean {
  return published !== undefined && (!verifiesUpstream || published.upstreamCaPem !== undefined);
}
