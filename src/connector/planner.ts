import { IdentityError } from '../errors.ts';
import type { CertificateAndKey } from '../identity/identity.ts';
import { bundleOfListed, type DatedBundle, type Plan, type Planned, plan } from '../identity/policy/plan.ts';
import { comparableIndex } from '../identity/policy/roots-index.ts';
import { holdsBundle } from '../identity/policy/unconfirmed.ts';
import type { Published } from '../identity/published.ts';
import type { Scope } from '../identity/spiffe-id.ts';
import type { ListedRoots, TrustBundle } from '../identity/trust-bundle.ts';
import { forgetUnusedCertificates } from '../identity/x509/certificate.ts';
import type { Clock } from '../lib/clock.ts';
import { KnownLeaf } from './known-leaf.ts';
import { type RootsAnswer, RootsFreshness } from './roots-freshness.ts';

export interface PlannerOptions {
  /** The Consul service whose leaf is published. */
  readonly service: string;
  /** The configured scope of the service. */
  readonly scope: Scope;
  /** The only trust domain whose identities are published, in lower case; undefined: any. */
  readonly trustDomain?: string | undefined;
  /** Whether the gateway verifies its peers with the bundle, so that a change of it reloads the gateway. */
  readonly verifiesUpstream: boolean;
  readonly clock: Clock;
}

/** Stores Consul's last answers and plans what to publish, for `run`, `once` and `render`. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #rootsFreshness: RootsFreshness;
  readonly #knownLeaf = new KnownLeaf();
  #roots: ListedRoots | undefined;
  /** The newest usable roots. */
  #usableRoots: ListedRoots | undefined;
  #leaf: CertificateAndKey | undefined;
  #previous: DatedBundle | undefined;
  #settledBundlePem: string | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#rootsFreshness = new RootsFreshness(options.clock);
  }

  setRoots(roots: ListedRoots): void {
    this.#roots = roots;
  }

  setLeaf(leaf: CertificateAndKey): void {
    this.#leaf = leaf;
  }

  /** For commands that query Consul once: no later answer could confirm the first. */
  takeFirstAnswer(): void {
    this.#rootsFreshness.takeFirstAnswer();
  }

  /**
   * Records an answer to the roots query; returns whether it may change the plan. Unusable roots do not confirm the previous ones.
   */
  rootsAnswered(answer: RootsAnswer): boolean {
    if (!isUsable(this.#newestBundle())) return false;
    return this.#rootsFreshness.answered(answer);
  }

  /** The bundle of Consul's newest roots; undefined before its first answer. */
  #newestBundle(at = this.#options.clock.now()): TrustBundle | IdentityError | undefined {
    if (this.#roots === undefined) return undefined;
    return bundleOfListed(this.#roots, this.#options.trustDomain, at);
  }

  /** Plans the changes to `published`, which was just read. */
  plan(published: Published | undefined): Plan {
    const { clock, ...identity } = this.#options;
    const at = clock.now();
    const publishedIndex = comparableIndex(published, this.#roots?.trustDomain, this.#leaf);
    const newest = this.#newestBundle(at);
    const isListed = isUsable(newest) && holdsBundle(published, newest, identity.verifiesUpstream);
    this.#rootsFreshness.observe(published, publishedIndex, isListed);
    this.#knownLeaf.observe(published);
    const planned = plan({
      ...identity,
      published,
      candidate: this.#leaf,
      newest,
      usableRoots: this.#usableRoots,
      previous: this.#previous,
      settledBundlePem: this.#settledBundlePem,
      rootsIndex: this.#rootsFreshness.index,
      isBehind: this.#rootsFreshness.isBehind,
      confirmAfter: this.#rootsFreshness.confirmAfter,
      foreignLeaf: this.#knownLeaf.foreignSerial,
      at,
    });
    forgetUnusedCertificates();
    if (planned.kind === 'waiting') return planned;
    if (planned.rootsRejected === undefined) this.#usableRoots = this.#roots;
    this.#previous = planned;
    const { decision } = planned;
    if (decision.kind === 'keep' && decision.bundle.kind === 'unchanged') {
      this.#settledBundlePem = decision.content.caCrt;
    }
    return planned;
  }

  /** Records that the content of `planned` was published. */
  wrote({ decision, rootsIndex }: Planned): void {
    if (decision.kind === 'none') return;
    const { caCrt, identity, upstreamCaCrt = caCrt } = decision.content;
    if (decision.kind === 'replace') this.#knownLeaf.wrote(identity.leaf);
    // The bundle is still the other writer's.
    if (decision.kind === 'replace' && decision.bundle === 'unconfirmed') return;
    const upstreamCaPem = this.#options.verifiesUpstream ? upstreamCaCrt : undefined;
    this.#rootsFreshness.wrote({ caPem: caCrt, upstreamCaPem }, rootsIndex);
    this.#settledBundlePem = caCrt;
  }
}

function isUsable(bundle: TrustBundle | IdentityError | undefined): bundle is TrustBundle {
  return bundle !== undefined && !(bundle instanceof IdentityError);
}
