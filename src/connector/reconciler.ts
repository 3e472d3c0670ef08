import { IdentityError, identityErrorOr, PublishError } from '../errors.ts';
import type { CertificateAndKey } from '../identity/identity.ts';
import { type Decision, decide, type Published } from '../identity/policy/decide.ts';
import type { Scope } from '../identity/spiffe-id.ts';
import { buildTrustBundle, type ListedRoots, type TrustBundle } from '../identity/trust-bundle.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Health } from '../status/health.ts';
import { Report, type ReportOptions } from './reporter.ts';
import { Doubt } from './roots-freshness.ts';

export interface ReconcilerOptions extends Omit<ReportOptions, 'target'> {
  readonly publisher: Publisher;
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** Where in Consul it is asked for, as far as that was said. */
  readonly scope: Scope;
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

const MAX_CONFLICTS = 8;
const CONFLICT_BACKOFF_CAP_MS = 500;

/** Brings what Consul says and what is published together: reads, lets `identity/` decide, writes what it decided. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #report: Report;
  readonly #doubt: Doubt;
  #roots: ListedRoots | undefined;
  /** The last of them that could be used. */
  #usableRoots: ListedRoots | undefined;
  #leaf: CertificateAndKey | undefined;
  /** The bundle as it was last, and since when. */
  #bundle = { pem: '', since: 0 };

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#report = new Report({ ...options, target: options.publisher.target });
    this.#doubt = new Doubt(options.clock);
  }

  takeRoots(roots: ListedRoots): void {
    this.#roots = roots;
  }

  /** Takes that Consul answered about its roots, from a cache of that age; says whether that may change the decision. */
  rootsConfirmed(ageSeconds: number | undefined): boolean {
    return this.#doubt.heard(ageSeconds);
  }

  takeLeaf(leaf: CertificateAndKey): void {
    this.#leaf = leaf;
  }

  /** @throws PublishError when the place of publication cannot be read or written: try again later */
  async reconcile(signal: AbortSignal): Promise<Reconciliation> {
    for (let conflicts = 1; ; conflicts += 1) {
      const result = await this.#attempt(signal);
      if (result !== 'conflict') return result;
      if (conflicts === MAX_CONFLICTS || signal.aborted) {
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
    const { publisher, service, scope, verifiesUpstream, clock, health, metrics } = this.#options;
    const published = await this.#reporting('identity', () => publisher.read(signal));
    this.#doubt.saw(published);
    const at = clock.now();
    const { bundle, fault } = this.#trust(at);
    if (bundle === undefined) {
      this.#report.refused(fault);
      health.clearProblem('identity');
      if (isWhole(published, verifiesUpstream) && (await this.#announce(signal)) === 'conflict')
        return 'conflict';
      return { decision: undefined, fault, wrote: false };
    }
    this.#report.dropped(bundle.dropped);
    if (bundle.pem !== this.#bundle.pem) this.#bundle = { pem: bundle.pem, since: at };
    const upstream = verifiesUpstream ? { rootsSince: this.#bundle.since } : undefined;
    const decision = decide({
      published,
      candidate: this.#leaf,
      service,
      scope,
      bundle,
      at,
      upstream,
      confirmAfter: this.#doubt.until,
    });
    this.#report.held(decision.bundleDeferredUntil);
    this.#report.refused(fault ?? decision.refused);
    health.setTrustBundle(bundle, decision.bundleDeferredUntil);
    if (decision.refused === undefined) health.clearProblem('candidate');
    else health.setProblem('candidate', decision.refused);
    if (decision.content === undefined) {
      health.clearProblem('identity');
      metrics.unpublished();
      health.setUnpublished(`${decision.condemned?.detail ?? 'nothing is published'}; ${decision.reason}`);
      return { decision, fault, wrote: false };
    }

    const { content } = decision;
    const outcome = await this.#reporting('identity', () => publisher.write({ content, decision }, signal));
    if (outcome === 'conflict') return 'conflict';
    health.clearProblem('identity');
    const isOver = outcome === 'rate-limited';
    const inPlace = isOver ? decision.current : content.identity;
    if (inPlace === undefined || (isOver && !isWhole(published, verifiesUpstream))) {
      metrics.unpublished();
      health.setUnpublished(`${decision.reason}; somebody else keeps changing it`);
      return { decision, fault, wrote: false };
    }
    health.setPublished(inPlace);
    metrics.published(inPlace);
    if (outcome === 'written') {
      const caPem = content.caCrt;
      this.#doubt.wrote({ caPem, upstreamCaPem: verifiesUpstream ? caPem : undefined });
      this.#report.wrote(decision);
    }
    this.#report.expiring(inPlace, at);
    if ((await this.#announce(signal)) === 'conflict') return 'conflict';
    return { decision, fault, wrote: outcome === 'written' };
  }

  /** The bundle of Consul's roots, if it has answered; where these cannot be used, that of the last ones that could, and why. */
  #trust(at: number): { bundle: TrustBundle | undefined; fault: IdentityError | undefined } {
    const { health } = this.#options;
    const roots = this.#roots;
    if (roots === undefined) return { bundle: undefined, fault: undefined };
    const bundle = identityErrorOr(() => buildTrustBundle(roots, at));
    if (!(bundle instanceof IdentityError)) {
      health.clearProblem('trust');
      this.#usableRoots = roots;
      return { bundle, fault: undefined };
    }
    health.setProblem('trust', bundle);
    const usable = this.#usableRoots;
    const before = usable === undefined ? bundle : identityErrorOr(() => buildTrustBundle(usable, at));
    return { bundle: before instanceof IdentityError ? undefined : before, fault: bundle };
  }

  async #announce(signal: AbortSignal): Promise<'settled' | 'conflict'> {
    const { publisher, health } = this.#options;
    const outcome = await this.#reporting('service', () => publisher.publishService(signal));
    if (outcome === 'conflict') return 'conflict';
    if (outcome === 'rate-limited') {
      health.setProblem('service', contested());
      return 'settled';
    }
    health.clearProblem('service');
    if (outcome === 'written') this.#report.wroteService();
    return 'settled';
  }

  /** Runs `work`; what it throws becomes a reason for being unready, until that part is solved. */
  async #reporting<T>(part: 'identity' | 'service', work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#options.health.setProblem(part, error);
      throw error;
    }
  }
}

function contested(): PublishError {
  return new PublishError('KUBERNETES_CONFLICT', 'somebody else keeps changing the Service', {
    remedy: 'see with kubectl get --show-managed-fields who else writes it',
  });
}

/** Whether all is published that the gateway is told of: a TLSContext that names a missing Secret would break it. */
function isWhole(published: Published | undefined, verifiesUpstream: boolean): boolean {
  return published !== undefined && (!verifiesUpstream || published.upstreamCaPem !== undefined);
}
