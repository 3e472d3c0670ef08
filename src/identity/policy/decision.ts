import type { IdentityError } from '../../errors.ts';
import type { CertificateAndKey, Identity } from '../identity.ts';
import type { Content, Published } from '../published.ts';
import type { Scope } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { REASONS, type Violation } from './violations.ts';

/** The complete input of a decision. */
export interface DecisionInput {
  readonly published: Published | undefined;
  readonly candidate: CertificateAndKey | undefined;
  readonly service: string;
  /** The configured scope of the service. */
  readonly scope?: Scope | undefined;
  readonly bundle: TrustBundle;
  /** The bundle that this process last found or published as decided; undefined before that. */
  readonly settledBundlePem?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /**
   * Defined if Consul has not confirmed its roots since another writer changed the bundle: when to query them again, in
   * milliseconds since the epoch. Until then a valid identity by that writer is not overwritten.
   */
  readonly confirmAfter?: number | undefined;
  /** Whether that writer is known to have newer roots: then damage is left to other replicas to repair, too. Default false. */
  readonly isBehind?: boolean | undefined;
  /** The serial number of the published leaf, if it was written by anything other than a connector. */
  readonly foreignLeaf?: string | undefined;
  /** Defined if the gateway verifies its peers with the bundle, so that a change of the bundle reloads it. */
  readonly upstream?: UpstreamVerification | undefined;
}

export interface UpstreamVerification {
  /** When Consul first listed these roots, in milliseconds since the epoch. */
  readonly rootsSince: number;
}

/** The cause of a write: one word for metrics, and a sentence for the log, the annotation and the event. */
export interface WriteCause {
  readonly reason: WriteReason;
  readonly detail: string;
}

/** The cause on one line, for logs, annotations and Events. */
export function describeCause({ reason, detail }: WriteCause): string {
  return `${reason}: ${detail}`;
}

export const WRITE_REASONS = [...REASONS, 'roots-changed', 'repair'] as const;
export type WriteReason = (typeof WRITE_REASONS)[number];

export type Decision = Replace | Keep | None;

export interface Outlook {
  /** The reason that Consul's leaf must not be published, if any. */
  readonly rejected: IdentityError | undefined;
  /** The remaining violation of the published leaf once this decision is carried out. */
  readonly violation: Violation | undefined;
  /** Whether to query Consul's roots again, because the published ones may be newer. */
  readonly requeryRoots: boolean;
  /** When the decision may change without new input, in milliseconds since the epoch. */
  readonly recheckAt: number;
}

/** Consul's leaf replaces the published one. */
export interface Replace extends Outlook {
  readonly kind: 'replace';
  readonly content: Content;
  /** The violation of the published leaf that Consul's leaf resolves. */
  readonly cause: Violation;
  /** The identity published before, if it is valid. */
  readonly current: Identity | undefined;
  /** `unconfirmed`: the bundle is another writer's, and Consul has not confirmed its roots since. */
  readonly bundle: 'updated' | 'unchanged' | 'unconfirmed';
  /** The previously published trust domain, if Consul's differs: its CA has been replaced. */
  readonly formerTrustDomain?: string | undefined;
}

/** The published leaf and key stay byte for byte. They may be invalid: see `violation`. */
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

/** Neither the published identity nor Consul's leaf is valid, so the target is not changed. */
export interface None extends Outlook {
  readonly kind: 'none';
  readonly violation: Violation;
}

/** The cause of the write if the target differs from the decision. */
export function causeOf(decision: Replace | Keep): WriteCause {
  if (decision.kind === 'replace') return decision.cause;
  if (decision.bundle.kind === 'update') return decision.bundle.cause;
  return { reason: 'repair', detail: 'labels or annotations were modified' };
}
