import { type IdentityError, identityErrorOr } from '../../errors.ts';
import { type Identity, verifyAnswer } from '../identity.ts';
import type { Content, Published } from '../published.ts';
import { ANYWHERE } from '../spiffe-id.ts';
import type { TrustBundle } from '../trust-bundle.ts';
import type { DecisionInput } from './decision.ts';

/** Verifies Consul's leaf with `bundle`; undefined if there is none. */
export function assessCandidate(
  { candidate, service, scope = ANYWHERE, at }: DecisionInput,
  bundle: TrustBundle,
): Identity | IdentityError | undefined {
  if (candidate === undefined) return undefined;
  return identityErrorOr(() => verifyAnswer(candidate, service, scope, bundle, at));
}

/** The published content, byte for byte. */
export function keepAll(published: Published, identity: Identity): Content {
  return { ...keepLeaf(published, identity, ''), ...bundlesOf(published) };
}

/** The published leaf and key with another bundle. */
export function keepLeaf(published: Published, identity: Identity, caCrt: string): Content {
  return { identity, tlsCrt: published.certificatePem, tlsKey: published.privateKeyPem, caCrt };
}

/** The published bundles, byte for byte. */
export function bundlesOf({
  caPem = '',
  upstreamCaPem,
}: Published): Pick<Content, 'caCrt' | 'upstreamCaCrt'> {
  return { caCrt: caPem, upstreamCaCrt: upstreamCaPem };
}
