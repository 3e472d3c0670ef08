import type { IdentityError } from '../../errors.ts';
import type { CertificateAndKey, Identity } from '../identity.ts';
import type { Content, Published } from '../published.ts';
import type { Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { REASONS, type Violation } from './violations.ts';

/** Everything a decision is made from: what was read, and the time. */
export interface DecisionInput {
  readonly published: Published | undefined;
  readonly candidate: CertificateAndKey | undefined;
  readonly service: string;
  /** Where the service is requested, as far as that is configured. */
  readonly scope?: Scope | undefined;
  readonly bundle: TrustBundle;
  /** The bundle that this process last saw or put in place as decided; undefined before the first time. */
  readonly settledBundlePem?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /**
   * Defined where Consul has not confirmed its roots since another writer changed the bundle: when to query them again, in
   * milliseconds since the epoch. Until then nothing that works is written over what that writer published.
   */
  readonly confirmAfter?: number | undefined;
  /** Whether that writer is known to have newer roots: then it is for others to mend what is damaged, too. Default false. */
  readonly isBehind?: boolean | undefined;
  /** The serial number of the published leaf, where somebody else than a connector put it there. */
  readonly foreignLeaf?: string | undefined;
  /** Defined where the gateway verifies its peers with the bundle: then a change of it, too, reloads the gateway. */
  readonly upstream?: UpstreamVerification | undefined;
}

export interface UpstreamVerification {
  /** When Consul first listed these roots, in milliseconds since the epoch. */
  readonly rootsSince: number;
}

/** Why something is written: one word for metrics, and a sentence for the log, the annotation and the event. */
export interface WriteCause {
  readonly reason: WriteReason;
  readonly detail: string;
}

/** The cause in one line, as logs, annotations and Events have it. */
export function describeCause({ reason, detail }: WriteCause): string {
  return `${reason}: ${detail}`;
}

export const WRITE_REASONS = [...REASONS, 'roots-changed', 'repair'] as const;
export type WriteReason = (typeof WRITE_REASONS)[number];

export type Decision = Replace | Keep | None;

export interface Outlook {
  /** Why Consul's leaf must not be published, if so. */
  readonly rejected: IdentityError | undefined;
  /** What is wrong with the published leaf once this decision is carried out. */
  readonly violation: Violation | undefined;
  /** Whether to query Consul's roots again: what is published may be newer. */
  readonly requeryRoots: boolean;
  /** When time alone may change the decision, in milliseconds since the epoch. */
  readonly recheckAt: number;
}

/** Consul's leaf replaces the published one. */
export interface Replace extends Outlook {
  readonly kind: 'replace';
  readonly content: Content;
  /** What is wrong with the published leaf, and what Consul's leaf resolves. */
  readonly cause: Violation;
  /** What is published before, where that works. */
  readonly current: Identity | undefined;
  /** `unconfirmed`: it is another writer's, and Consul has not confirmed its own since. */
  readonly bundle: 'updated' | 'unchanged' | 'unconfirmed';
  /** That of what is published before, where Consul's is another one: another CA is in its place. */
  readonly formerTrustDomain?: string | undefined;
}

/** The published leaf and key stay byte for byte. They need not work: see `violation`. */
export interface Keep extends Outlook {
  readonly kind: 'keep';
  readonly content: Content;
  readonly bundle: BundleDecision;
}

export type BundleDecision =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'update'; readonly cause: WriteCause }
  /** New roots are published together with the new leaf, or at `until`, in milliseconds since the epoch. */
  | { readonly kind: 'defer'; readonly until: number }
  /** Another writer may have published it with newer roots: nothing is written. */
  | { readonly kind: 'unconfirmed' };

/** Neither what is published nor Consul's leaf works, so whatever is published stays as it is. */
export interface None extends Outlook {
  readonly kind: 'none';
  readonly violation: Violation;
}

/** Why the target is written, if it turns out to differ from what was decided. */
export function causeOf(decision: Replace | Keep): WriteCause {
  if (decision.kind === 'replace') return decision.cause;
  if (decision.bundle.kind === 'update') return decision.bundle.cause;
  return { reason: 'repair', detail: 'labels or annotations were modified' };
}
