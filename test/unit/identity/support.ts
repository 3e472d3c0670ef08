import { IdentityError, type IdentityFault } from '../../../src/errors.ts';
import type { CertificateAndKey } from '../../../src/identity/identity.ts';
import { decide } from '../../../src/identity/policy/decide.ts';
import { causeOf, type DecisionInput, describeCause } from '../../../src/identity/policy/decision.ts';
import type { Published } from '../../../src/identity/published.ts';
import {
  buildTrustBundle,
  type ListedRoot,
  type ListedRoots,
  type TrustBundle,
} from '../../../src/identity/trust-bundle.ts';
import { type Certificate, readCertificates } from '../../../src/identity/x509/certificate.ts';
import {
  type Authority,
  createRoot,
  type IssuedLeaf,
  type LeafOptions,
  type RootOptions,
} from '../../fixtures/certificates/factory.ts';

/** `identity/` is pure, so its tests use one fixed time. */
export const NOW = Date.UTC(2030, 0, 15, 12);
export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;
export const LIFETIME = 100 * HOUR;
export const SERVICE = 'ambassador';
export const TRUST_DOMAIN = '11111111-2222-3333-4444-555555555555.consul';

/** A root of the one trust domain, a year old unless `options` say otherwise. */
export function newRoot(options: RootOptions = {}): Promise<Authority> {
  return createRoot({ trustDomain: TRUST_DOMAIN, notBefore: new Date(NOW - 365 * DAY), ...options });
}

export interface TestLeafOptions extends Omit<LeafOptions, 'service' | 'notBefore' | 'notAfter'> {
  readonly service?: string;
  /** Milliseconds since the epoch; default `NOW`. */
  readonly from?: number;
  /** Milliseconds; default `LIFETIME`, so that a percent is an hour. */
  readonly lasts?: number;
}

export function newLeaf(authority: Authority, options: TestLeafOptions = {}): Promise<IssuedLeaf> {
  const { from = NOW, lasts = LIFETIME, service = SERVICE, ...rest } = options;
  return authority.issueLeaf({
    ...rest,
    service,
    notBefore: new Date(from),
    notAfter: new Date(from + lasts),
  });
}

/** As Consul sends it: the leaf followed by its intermediates, and its key. */
export function material(leaf: IssuedLeaf): CertificateAndKey {
  return { certificatePem: leaf.chainPem, privateKeyPem: leaf.keyPem };
}

export function listRoot(
  root: { serial: string; certPem: string },
  options: { active?: boolean; intermediates?: readonly { certPem: string }[] } = {},
): ListedRoot {
  return {
    id: root.serial,
    active: options.active ?? false,
    certificatePem: root.certPem,
    intermediatePems: (options.intermediates ?? []).map(({ certPem }) => certPem),
  };
}

/** Consul's list of roots, the first of them active. */
export function listing(active: ListedRoot, ...others: readonly ListedRoot[]): ListedRoots {
  return {
    trustDomain: TRUST_DOMAIN,
    activeRootId: active.id,
    roots: [{ ...active, active: true }, ...others],
  };
}

/** The trust bundle of these roots, the first of them active. */
export function bundleOf(active: Authority, ...others: readonly Authority[]): TrustBundle {
  return buildTrustBundle(listing(listRoot(active), ...others.map((root) => listRoot(root))), NOW);
}

/** The bundle of one root that Consul lists with these intermediates. */
export function bundleWith(root: Authority, ...intermediates: readonly { certPem: string }[]): TrustBundle {
  return buildTrustBundle(listing(listRoot(root, { intermediates })), NOW);
}

export function certificateOf(signed: { certPem: string }): Certificate {
  const [certificate] = readCertificates(signed.certPem, 'the certificate');
  if (certificate === undefined) throw new Error('a certificate was expected');
  return certificate;
}

export function pemsOf(...signed: readonly { certPem: string }[]): string[] {
  return signed.map((one) => certificateOf(one).pem);
}

/** For `assert.throws`: an IdentityError of this code. */
export function refusal(code: IdentityFault): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof IdentityError && error.code === code) return true;
    throw error;
  };
}

/** A leaf as published with `bundle`. */
export function publishedAs(leaf: IssuedLeaf, bundle: TrustBundle): Published {
  return { ...material(leaf), caPem: bundle.pem, upstreamCaPem: bundle.pem };
}

export type Effects = ReturnType<typeof decideOn>;

/** The effects of `decide` for the service, at `NOW` by default, in the same form for each kind of decision. */
export function decideOn(input: Pick<DecisionInput, 'bundle'> & Partial<DecisionInput>) {
  const usual = { published: undefined, candidate: undefined, service: SERVICE, at: NOW };
  const decision = decide({ ...usual, ...input });
  const { rejected, violation, requeryRoots, recheckAt } = decision;
  const kept = decision.kind === 'keep' ? decision.bundle : undefined;
  const writesLeaf = decision.kind === 'replace';
  const writesBundle = decision.kind === 'replace' ? decision.bundle === 'updated' : kept?.kind === 'update';
  const isWrite = writesLeaf || writesBundle;
  return {
    content: decision.kind === 'none' ? undefined : decision.content,
    writesLeaf,
    writesBundle,
    reason: decision.kind !== 'none' && isWrite ? describeCause(causeOf(decision)) : undefined,
    deferredUntil: kept?.kind === 'defer' ? kept.until : undefined,
    rejected,
    violation,
    requeryRoots,
    recheckAt,
  };
}

/** What is published after `decision`. */
export function carriedOut({ content }: Pick<Effects, 'content'>, before?: Published): Published | undefined {
  if (content === undefined) return before;
  const { tlsCrt, tlsKey, caCrt } = content;
  return { certificatePem: tlsCrt, privateKeyPem: tlsKey, caPem: caCrt, upstreamCaPem: caCrt };
}

/** The processor time of `work` in milliseconds, which a busy machine does not increase. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
