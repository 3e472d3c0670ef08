import { type CertificateAndKey, lifetimeLeft, verifyAnswer } from '../../identity/identity.ts';
import type { Scope } from '../../identity/spiffe-id.ts';
import {
  assertTrustDomain,
  buildTrustBundle,
  type ListedRoots,
  type TrustBundle,
} from '../../identity/trust-bundle.ts';
import { issuerOf } from '../../identity/x509/certificate.ts';
import { after, asConnectorError, fail, pass, type Row, type Subject, skip, warn } from './result.ts';

/** With these faults the leaf itself is correct. */
const CHAIN_FAULTS: readonly string[] = ['NO_CHAIN', 'NAME_CONSTRAINTS'];

/** The expected identity. */
export interface Wanted {
  readonly service: string;
  readonly scope: Scope;
  /** In lower case; undefined: any trust domain. */
  readonly trustDomain?: string | undefined;
}

/** Two rows: the identity of the leaf, and whether it chains to a root that Consul lists at `at`. */
export function identityRows(
  identity: Subject,
  chain: Subject,
  roots: ListedRoots,
  leaf: CertificateAndKey,
  { service, scope, trustDomain }: Wanted,
  at: number,
): [Row, Row] {
  let bundle: TrustBundle;
  try {
    assertTrustDomain(roots, trustDomain);
    bundle = buildTrustBundle(roots, at);
  } catch (error) {
    if (asConnectorError(error).code === 'WRONG_TRUST_DOMAIN') {
      return [fail(identity, error), skip(chain, after(identity))];
    }
    return [skip(identity, after(chain)), fail(chain, error)];
  }
  try {
    const verified = verifyAnswer(leaf, service, scope, bundle, at);
    const { notAfter } = verified;
    const left = Math.round(lifetimeLeft(verified, at) * 100);
    const until = `until ${new Date(notAfter).toISOString()} (${left} % of its lifetime)`;
    return [
      pass(identity, `${verified.spiffeId.uri}, ${until}`),
      verified.chain.activeRoot !== undefined
        ? pass(chain, `signed by ${issuerOf(verified.leaf)}, chains to the active root`)
        : warn(
            chain,
            'the leaf chains to a root that is no longer active',
            'none if it is temporary: for some time after a rotation Consul still returns the old leaf',
          ),
    ];
  } catch (error) {
    const { code } = asConnectorError(error);
    if (CHAIN_FAULTS.includes(code)) return [pass(identity, `of service ${service}`), fail(chain, error)];
    return [fail(identity, error), skip(chain, after(identity))];
  }
}
