import { IdentityError } from '../errors.ts';
import { type Certificate, isSignedBy, readCertificates } from './x509/certificate.ts';

/** One root as Consul lists it, undecoded. */
export interface ListedRoot {
  readonly id: string;
  readonly active: boolean;
  /** May hold several certificates: Vault sends its intermediate before its root. */
  readonly certificatePem: string;
  readonly intermediatePems: readonly string[];
}

/** Consul's answer about its CA, as far as trust depends on it. */
export interface ListedRoots {
  readonly trustDomain: string;
  readonly activeRootId: string;
  readonly roots: readonly ListedRoot[];
}

/** The roots a mesh peer's certificate may chain to. */
export interface TrustBundle {
  readonly trustDomain: string;
  /** Unexpired, those of the active root first, then the newest first. */
  readonly anchors: readonly Certificate[];
  /** Fingerprints of the anchors that belong to the active root. */
  readonly active: ReadonlySet<string>;
  /** Certificates that may fill a gap in a leaf's chain (consul #11448). */
  readonly intermediates: readonly Certificate[];
  /** What `ca.crt` holds. */
  readonly pem: string;
  /** Roots that were left out, each with the reason. */
  readonly dropped: readonly string[];
}

/**
 * Makes the trust bundle of `at` (milliseconds since the epoch) from the roots Consul lists.
 *
 * @throws IdentityError NO_ROOT when no root can be used or none can be told to be the active one; otherwise the
 *   fault of the active root's PEM. A root that is not active and cannot be read is dropped: nobody can use it.
 */
export function buildTrustBundle(listed: ListedRoots, at: number): TrustBundle {
  const activeId = activeRootOf(listed).id;
  const dropped: string[] = [];
  const anchors = new Map<string, Certificate>();
  const active = new Set<string>();
  const intermediates = new Map<string, Certificate>();

  for (const root of listed.roots) {
    const name = `root ${root.id === '' ? 'without an ID' : root.id}`;
    for (const pem of root.intermediatePems) {
      for (const certificate of tryRead(pem, dropped, name)) {
        intermediates.set(certificate.fingerprint, certificate);
      }
    }
    const isActive = root.id === activeId;
    const certificates = isActive
      ? readCertificates(root.certificatePem, name)
      : tryRead(root.certificatePem, dropped, name);
    for (const certificate of certificates) {
      if (isIssuedByAnother(certificate, certificates)) {
        intermediates.set(certificate.fingerprint, certificate);
      } else if (certificate.notAfter <= at) {
        dropped.push(`${name} expired ${new Date(certificate.notAfter).toISOString()}`);
      } else {
        anchors.set(certificate.fingerprint, certificate);
        if (isActive) active.add(certificate.fingerprint);
      }
    }
  }

  if (anchors.size === 0) {
    throw new IdentityError('NO_ROOT', `no root that Consul lists can be used: ${dropped.join('; ')}`, {
      remedy:
        'rotate the CA root of Consul (consul connect ca set-config), or mend the clock of this machine',
    });
  }
  const ordered = [...anchors.values()].sort((a, b) => compareAnchors(a, b, active));
  return {
    trustDomain: listed.trustDomain.toLowerCase(),
    anchors: ordered,
    active,
    intermediates: [...intermediates.values()],
    pem: ordered.map(({ pem }) => pem).join(''),
    dropped,
  };
}

function activeRootOf({ roots, activeRootId }: ListedRoots): ListedRoot {
  const named = roots.filter(({ id }) => id !== '' && id === activeRootId);
  const flagged = roots.filter(({ active }) => active);
  for (const [only, ...others] of [named, flagged, roots]) {
    if (only !== undefined && others.length === 0) return only;
  }
  throw new IdentityError(
    'NO_ROOT',
    `Consul lists ${roots.length} roots and none of them can be the active one`,
  );
}

function tryRead(pem: string, dropped: string[], name: string): readonly Certificate[] {
  try {
    return readCertificates(pem, name);
  } catch (error) {
    dropped.push(error instanceof IdentityError ? error.message : `${name} cannot be read`);
    return [];
  }
}

/** Of several certificates in one RootCert the anchor is the one that no other issued. */
function isIssuedByAnother(certificate: Certificate, all: readonly Certificate[]): boolean {
  return (
    !certificate.selfSigned && all.some((other) => other !== certificate && isSignedBy(certificate, other))
  );
}

/** One order for one set, so that Consul's order never causes a write. */
function compareAnchors(a: Certificate, b: Certificate, active: ReadonlySet<string>): number {
  const byActive = Number(active.has(b.fingerprint)) - Number(active.has(a.fingerprint));
  return byActive || b.notBefore - a.notBefore || (a.fingerprint < b.fingerprint ? -1 : 1);
}
