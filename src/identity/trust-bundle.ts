import { IdentityError } from '../errors.ts';
import { printable } from '../lib/foreign-text.ts';
import { type Certificate, isSelfSigned, isSignedBy, readCertificates } from './x509/certificate.ts';
import { MAX_BLOCKS, tooMany } from './x509/pem.ts';
import { areSignaturesSpent, withSignatureBudget } from './x509/signature-budget.ts';

/** One root as Consul lists it, undecoded. */
export interface ListedRoot {
  readonly id: string;
  readonly active: boolean;
  /** May contain several certificates: Vault sends its intermediate before its root. */
  readonly certificatePem: string;
  readonly intermediatePems: readonly string[];
}

/** The part of Consul's CA roots that trust depends on. */
export interface ListedRoots {
  readonly trustDomain: string;
  readonly activeRootId: string;
  readonly roots: readonly ListedRoot[];
}

/** The roots to which a mesh peer's certificate may chain. */
export interface TrustBundle {
  readonly trustDomain: string;
  /** Unexpired roots: those of the active root first, then newest first. */
  readonly anchors: readonly Certificate[];
  /** Fingerprints of the anchors that belong to the active root. */
  readonly active: ReadonlySet<string>;
  /** Certificates that may fill a gap in a leaf's chain (consul #11448). */
  readonly intermediates: readonly Certificate[];
  /**
   * Fingerprints of the listed roots that may or may not be in the bundle, because clocks differ: shortly before or after their
   * expiry, or not valid yet.
   */
  readonly disputed: ReadonlySet<string>;
  /** The content of `ca.crt`. */
  readonly pem: string;
  /** Omitted roots, each with the reason. */
  readonly dropped: readonly string[];
  /** When a root that is not valid yet enters the bundle, in milliseconds since the epoch, or infinity. */
  readonly changesAt: number;
}

/** Clocks that differ by more are not supported. */
const MAX_CLOCK_SKEW_MS = 900_000;

/** A root whose validity begins within the hour comes from a Consul whose clock is ahead of ours. */
export const MAX_CLOCK_LAG_MS = 3_600_000;
/** A quarter of an hour later the root must be in the bundle: by then all replicas, whose clocks differ, accept it. */
const SETTLED_LAG_MS = MAX_CLOCK_LAG_MS - MAX_CLOCK_SKEW_MS;

const SPIFFE_URI = /^spiffe:\/\/([^/?#]+)/i;
/** The displayed length of a root's ID: Consul's has 59 characters. */
const MAX_ID = 100;
/** The maximum number of reported omitted roots. */
const MAX_DROPPED = 20;
/** A root, its cross-signed certificates, and Vault's intermediates before it. */
const MAX_IN_ONE_ROOT = 8;

/**
 * Builds the trust bundle at `at` (milliseconds since the epoch) from the roots that Consul lists.
 *
 * @throws IdentityError NO_ROOT if no root can be used or none can be identified as the active one, TOO_MANY_CERTIFICATES;
 *   otherwise the fault of the active root's PEM. An unreadable inactive root is dropped: no peer can use it.
 */
export function buildTrustBundle(listed: ListedRoots, at: number): TrustBundle {
  return withSignatureBudget(() => bundleOf(listed, at));
}

function bundleOf(listed: ListedRoots, at: number): TrustBundle {
  const activeId = activeRootOf(listed).id;
  const dropped: string[] = [];
  const anchors = new Map<string, Certificate>();
  const active = new Set<string>();
  const disputed = new Set<string>();
  const trustDomain = listed.trustDomain.toLowerCase();
  let changesAt = Number.POSITIVE_INFINITY;
  const intermediates = new Map<string, Certificate>();

  let read = 0;
  const count = (certificates: readonly Certificate[]): readonly Certificate[] => {
    read += certificates.length;
    if (read > MAX_BLOCKS) throw tooMany('the list of roots holds more certificates', MAX_BLOCKS);
    return certificates;
  };

  for (const root of listed.roots) {
    const name = `root ${root.id === '' ? 'without an ID' : printable(root.id, MAX_ID)}`;
    for (const pem of root.intermediatePems) {
      for (const certificate of count(tryRead(pem, dropped, name))) {
        intermediates.set(certificate.fingerprint, certificate);
      }
    }
    const isActive = root.id === activeId;
    const certificates = count(
      isActive ? readCertificates(root.certificatePem, name) : tryRead(root.certificatePem, dropped, name),
    );
    if (certificates.length > MAX_IN_ONE_ROOT) {
      throw tooMany(`the RootCert of ${name} holds ${certificates.length} certificates`, MAX_IN_ONE_ROOT);
    }
    for (const certificate of certificates) {
      if (isIssuedByAnother(certificate, certificates)) {
        intermediates.set(certificate.fingerprint, certificate);
        continue;
      }
      if (isDisputed(certificate, at)) disputed.add(certificate.fingerprint);
      for (const change of [MAX_CLOCK_LAG_MS, SETTLED_LAG_MS].map((lag) => certificate.notBefore - lag)) {
        if (change > at) changesAt = Math.min(changesAt, change);
      }
      const fault =
        faultOf(certificate, at) ?? (isActive ? undefined : foreignDomainFault(certificate, trustDomain));
      if (fault !== undefined) {
        dropped.push(`${name} ${fault}`);
      } else {
        anchors.set(certificate.fingerprint, certificate);
        if (isActive) active.add(certificate.fingerprint);
      }
    }
  }

  // Without a check of all signatures, a certificate with an unchecked issuer could be mistaken for a root.
  if (areSignaturesSpent()) {
    throw new IdentityError('TOO_MANY_CERTIFICATES', 'the roots need too many signature checks');
  }
  if (anchors.size === 0) {
    throw new IdentityError('NO_ROOT', `no root that Consul lists can be used: ${dropped.join('; ')}`, {
      remedy:
        'rotate the CA root of Consul (consul connect ca set-config), or correct the clock of this machine',
    });
  }
  const ordered = [...anchors.values()].sort((a, b) => compareAnchors(a, b, active));
  return {
    trustDomain,
    anchors: ordered,
    active,
    intermediates: [...intermediates.values()],
    disputed,
    pem: ordered.map(({ pem }) => pem).join(''),
    dropped: beginningOf(dropped),
    changesAt,
  };
}

/** The reason that peers do not accept it as a root at `at`. */
function faultOf({ isCa, notBefore, notAfter, weakKey }: Certificate, at: number): string | undefined {
  if (!isCa) return 'is not the certificate of a CA';
  if (weakKey !== undefined) return weakKey;
  if (notAfter <= at) return `expired ${new Date(notAfter).toISOString()}`;
  if (notBefore > at + MAX_CLOCK_LAG_MS) return `is not valid before ${new Date(notBefore).toISOString()}`;
  return undefined;
}

/**
 * The fault of a root that belongs to another trust domain. External CAs have no SPIFFE ID. The active root is accepted with any
 * URI, because peers do not check it.
 */
function foreignDomainFault({ uris }: Certificate, trustDomain: string): string | undefined {
  const domains = uris.flatMap((uri) => SPIFFE_URI.exec(uri)?.[1]?.toLowerCase() ?? []);
  if (domains.length === 0 || domains.includes(trustDomain)) return undefined;
  return `is of the trust domain ${domains.join(' and ')}`;
}

function isDisputed({ notBefore, notAfter }: Certificate, at: number): boolean {
  return notAfter <= at + MAX_CLOCK_SKEW_MS || notBefore > at + SETTLED_LAG_MS;
}

/**
 * Checks that Consul has the configured trust domain.
 *
 * @param expected a trust domain in lower case; undefined: any
 * @throws IdentityError WRONG_TRUST_DOMAIN
 */
export function assertTrustDomain(
  { trustDomain }: Pick<ListedRoots, 'trustDomain'>,
  expected: string | undefined,
): void {
  if (expected === undefined || trustDomain.toLowerCase() === expected) return;
  throw new IdentityError(
    'WRONG_TRUST_DOMAIN',
    `the trust domain of Consul is ${trustDomain}, and _CONSUL_TRUST_DOMAIN is ${expected}`,
    {
      remedy:
        'check that _CONSUL_HOST leads to the intended Consul; if it was reinstalled, set _CONSUL_TRUST_DOMAIN to its trust domain',
    },
  );
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

function beginningOf(dropped: readonly string[]): readonly string[] {
  if (dropped.length <= MAX_DROPPED) return dropped;
  return [...dropped.slice(0, MAX_DROPPED), `and ${dropped.length - MAX_DROPPED} more`];
}

/** Of several certificates in one RootCert, the anchor is the one that no other has issued. */
function isIssuedByAnother(certificate: Certificate, all: readonly Certificate[]): boolean {
  if (all.length === 1 || isSelfSigned(certificate)) return false;
  return all.some((other) => other !== certificate && isSignedBy(certificate, other));
}

/** A fixed order, so that a change of Consul's order never causes a write. */
function compareAnchors(a: Certificate, b: Certificate, active: ReadonlySet<string>): number {
  const byActive = Number(active.has(b.fingerprint)) - Number(active.has(a.fingerprint));
  return byActive || b.notBefore - a.notBefore || (a.fingerprint < b.fingerprint ? -1 : 1);
}
