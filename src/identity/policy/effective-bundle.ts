import { IdentityError } from '../../errors.ts';
import type { Identity } from '../identity.ts';
import type { Published } from '../published.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { isValidAt, tryReadCertificates } from '../x509/certificate.ts';
import { recheckUnusableAt } from './recheck.ts';

/** The roots that count for one decision: Consul's, and published ones that may be newer than its last answer. */
export interface EffectiveBundle {
  /** What the published identity is judged by. */
  readonly bundle: TrustBundle;
  /** What `ca.crt` is to hold. */
  readonly pem: string;
  /** Defined while a published root is missing from an answer of Consul that may be older than that root. */
  readonly unconfirmed: Unconfirmed | undefined;
}

export interface Unconfirmed {
  /** As after Consul has started over with a new CA, which another replica may have noticed first. */
  readonly isOtherTrustDomain: boolean;
  /** Whether to query Consul's roots now. */
  readonly requeryRoots: boolean;
  /** Milliseconds since the epoch. */
  readonly recheckAt: number;
}

/**
 * Adds to `bundle` the published roots that it lacks, until Consul has confirmed its list. Only where what is published
 * works with its own roots: no replica publishes anything else.
 *
 * @param confirmAfter when to query Consul's roots again after another writer changed the bundle, in milliseconds since
 *   the epoch as `at`; undefined where Consul has confirmed its roots since
 * @param judge verifies what is published against a bundle
 */
export function effectiveBundle(
  published: Published | undefined,
  bundle: TrustBundle,
  confirmAfter: number | undefined,
  at: number,
  judge: (bundle: TrustBundle) => Identity | IdentityError | undefined,
): EffectiveBundle {
  if (published !== undefined && confirmAfter !== undefined) {
    for (const caPem of [published.upstreamCaPem, published.caPem]) {
      const extended = withPublishedRoots(caPem, bundle, at);
      if (extended === undefined) continue;
      const verdict = judge(extended.published);
      const isOtherTrustDomain = verdict instanceof IdentityError && verdict.code === 'WRONG_TRUST_DOMAIN';
      if (verdict instanceof IdentityError && !isOtherTrustDomain) continue;
      const requeryRoots = at >= confirmAfter;
      const recheckAt = requeryRoots ? recheckUnusableAt(at) : confirmAfter;
      return {
        bundle: extended.both,
        pem: extended.published.pem,
        unconfirmed: { isOtherTrustDomain, requeryRoots, recheckAt },
      };
    }
  }
  return { bundle, pem: bundle.pem, unconfirmed: undefined };
}

interface ExtendedBundle {
  /** The bundle of what is published, each of its roots perhaps the active one. */
  readonly published: TrustBundle;
  /** The same with the roots of Consul's bundle as well. */
  readonly both: TrustBundle;
}

/** Undefined where each published root that is valid at `at` is one of `bundle`. */
function withPublishedRoots(
  publishedPem: string | undefined,
  bundle: TrustBundle,
  at: number,
): ExtendedBundle | undefined {
  if (publishedPem === undefined || publishedPem === bundle.pem) return undefined;
  const roots = tryReadCertificates(publishedPem).filter((root) => root.x509.ca && isValidAt(root, at));
  const known = new Set(bundle.anchors.map(({ fingerprint }) => fingerprint));
  const others = roots.filter(({ fingerprint }) => !known.has(fingerprint));
  if (others.length === 0) return undefined;
  const anchors = [...bundle.anchors, ...others];
  const active = new Set([...bundle.active, ...others.map(({ fingerprint }) => fingerprint)]);
  return {
    published: { ...bundle, anchors: roots, active, pem: publishedPem },
    both: { ...bundle, anchors, active, pem: anchors.map(({ pem }) => pem).join('') },
  };
}
