import { type CertificateAndKey, verifyAnswer } from '../../identity/identity.ts';
import type { Scope } from '../../identity/spiffe-id.ts';
import { buildTrustBundle, type ListedRoots, type TrustBundle } from '../../identity/trust-bundle.ts';
import { issuerOf, lifetimeLeft } from '../../identity/x509/certificate.ts';
import { after, asConnectorError, fail, pass, type Row, type Subject, skip, warn } from './result.ts';

/** Rule 1 as two rows: who the leaf is, and whether it chains to a root that Consul lists at `at`. */
export function identityRows(
  identity: Subject,
  chain: Subject,
  roots: ListedRoots,
  leaf: CertificateAndKey,
  { service, scope }: { readonly service: string; readonly scope: Scope },
  at: number,
): [Row, Row] {
  let bundle: TrustBundle;
  try {
    bundle = buildTrustBundle(roots, at);
  } catch (error) {
    return [skip(identity, after(chain)), fail(chain, asConnectorError(error))];
  }
  try {
    const verified = verifyAnswer(leaf, service, scope, bundle, at);
    const { notAfter } = verified.leaf;
    const left = Math.round(lifetimeLeft(verified.leaf, at) * 100);
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
    if (code === 'NO_CHAIN') return [pass(identity, `of service ${service}`), fail(chain, error)];
    return [fail(identity, error), skip(chain, after(identity))];
  }
}
