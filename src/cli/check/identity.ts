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

/** With these the leaf itself is what it should be. */
const CHAIN_FAULTS: readonly string[] = ['NO_CHAIN', 'NAME_CONSTRAINTS'];

/** The identity that is asked for. */
export interface Wanted {
  readonly service: string;
  readonly scope: Scope;
  /** In lower case; undefined: any. */
  readonly trustDomain?: string | undefined;
}

/** Rule 1 as two rows: who the leaf is, and whether it chains to a root that Consul lists at `at`. */
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
        ? pass(chain, `signed by ${issuerOf(verified.leaf)}, up to the active root`)
        : warn(
            chain,
            'the leaf chains to a root that is no longer the active one',
            'nothing, if it passes: for some time after a rotation Consul still gives the old leaf',
          ),
    ];
  } catch (error) {
    const { code } = asConnectorError(error);
    if (CHAIN_FAULTS.includes(code)) return [pass(identity, `of service ${service}`), fail(chain, error)];
    return [fail(identity, error), skip(chain, after(identity))];
  }
}
