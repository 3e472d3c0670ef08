import { IdentityError } from '../../errors.ts';
import type { Identity } from '../identity.ts';
import type { Published } from '../published.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import { type Certificate, isCanonicalPem, isValidAt, tryReadCertificates } from '../x509/certificate.ts';
import type { DecisionInput } from './decision.ts';

/** Another writer's published content, with other roots than those in Consul's last answer. */
export interface Unconfirmed {
  /** The published roots. */
  readonly bundle: TrustBundle;
  /** An error if they are of another trust domain, as after Consul has started over with a new CA, or not valid yet. */
  readonly current: Identity | IdentityError;
}

/**
 * The part of `published` that may be newer than `bundle`: it differs from it, is in the form written by a connector, and its leaf
 * is valid with either roots. Damaged content does not count as newer, unless its writer is known to have newer roots.
 *
 * @param judge verifies the published identity with a bundle
 */
export function findUnconfirmed(
  { bundle, at, isBehind = false }: Pick<DecisionInput, 'bundle' | 'at' | 'isBehind'>,
  published: Published,
  judge: (bundle: TrustBundle) => Identity | IdentityError,
): Unconfirmed | undefined {
  for (const caPem of [published.upstreamCaPem, published.caPem]) {
    if (caPem === undefined || isSameBundle(caPem, bundle)) continue;
    if (!isBehind && !isCanonicalPem(caPem)) continue;
    const own = bundleOfPublished(caPem, bundle, at);
    const verdicts = [judge(own), judge(bundle)];
    const works = verdicts.find((verdict) => !(verdict instanceof IdentityError));
    const current =
      works ??
      verdicts.find(
        (verdict) => isBehind || (verdict instanceof IdentityError && verdict.code === 'WRONG_TRUST_DOMAIN'),
      );
    if (current !== undefined) return { bundle: own, current };
  }
  return undefined;
}

/** The published roots as a bundle, all treated as active, because any of them may have been. */
export function bundleOfPublished(caPem: string, bundle: TrustBundle, at: number): TrustBundle {
  const anchors = tryReadCertificates(caPem).filter((root) => root.isCa && isValidAt(root, at));
  const active = new Set(anchors.map(({ fingerprint }) => fingerprint));
  return { ...bundle, anchors, active, pem: caPem };
}

/** Whether every published object has the roots of `bundle`. */
export function holdsBundle(
  published: Published | undefined,
  bundle: TrustBundle,
  verifiesUpstream: boolean,
): boolean {
  if (!isSameBundle(published?.caPem, bundle)) return false;
  return !verifiesUpstream || isSameBundle(published?.upstreamCaPem, bundle);
}

/**
 * Whether `caPem` has the roots of `bundle`. A root near its expiry, or not valid yet, may be missing or not: otherwise replicas
 * whose clocks differ would undo each other's writes.
 */
export function isSameBundle(caPem: string | undefined, bundle: TrustBundle): boolean {
  if (caPem === undefined || caPem === bundle.pem) return caPem !== undefined;
  if (bundle.disputed.size === 0 || !isCanonicalPem(caPem)) return false;
  const lasting = (roots: readonly Certificate[]): string =>
    roots
      .filter(({ fingerprint }) => !bundle.disputed.has(fingerprint))
      .map(({ pem }) => pem)
      .join('');
  return lasting(tryReadCertificates(caPem)) === lasting(bundle.anchors);
}
