import { httpRequest } from '../../test/fixtures/servers/http.ts';
import type { RealConsul } from '../../test/fixtures/servers/real-consul.ts';
import { followIdentity } from './follow.ts';
import { checkAnswer } from './load.ts';

/**
 * A client with the leaf and the roots from Consul itself: no Secret, no watch, no reload. Where even its requests fail no
 * connector could have helped.
 */
export async function startReferenceClient(consul: RealConsul, identity: string) {
  const followed = await followIdentity(consul, identity);
  return {
    /** One request on a new TLS connection, with the newest leaf and roots. @throws if it fails */
    async send(service: string, port: number): Promise<void> {
      const answer = await httpRequest(`https://127.0.0.1:${port}/${service}`, {
        cert: followed.leaf.CertPEM,
        key: followed.leaf.PrivateKeyPEM,
        ca: followed.roots.Roots.map(({ RootCert }) => RootCert),
        checkServerIdentity: (_, { subjectaltname }) =>
          subjectaltname?.endsWith(`/svc/${service}`) ? undefined : new Error(`${subjectaltname} answered`),
      });
      checkAnswer(answer, service);
    },
    stop: followed.stop,
  };
}
