import type { ConsulLeaf, ConsulRoots } from '../../fixtures/servers/consul-client.ts';
import { ask } from '../../fixtures/servers/http.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import { checkAnswer } from './answer.ts';
import { follow } from './follow.ts';

export interface ReferenceClient {
  /** One request on a new TLS connection, with the newest leaf and roots. @throws if it fails */
  send(service: string, port: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A client that nothing stands between and Consul: no Secret, no watch, no reload. Where even its requests fail no
 * connector could have helped.
 */
export async function startReferenceClient(consul: RealConsul, identity: string): Promise<ReferenceClient> {
  const rootsPath = '/v1/agent/connect/ca/roots';
  const leafPath = `/v1/agent/connect/ca/leaf/${identity}`;
  let roots = await consul.mustGet<ConsulRoots>(rootsPath);
  let leaf = await consul.mustGet<ConsulLeaf>(leafPath);
  const stops = [
    follow<ConsulRoots>(consul, rootsPath, (answer) => {
      roots = answer;
    }),
    follow<ConsulLeaf>(consul, leafPath, (answer) => {
      leaf = answer;
    }),
  ];

  return {
    async send(service, port) {
      const answer = await ask(`https://127.0.0.1:${port}/${service}`, {
        cert: leaf.CertPEM,
        key: leaf.PrivateKeyPEM,
        ca: roots.Roots.map(({ RootCert }) => RootCert),
        checkServerIdentity: (_, { subjectaltname }) =>
          subjectaltname?.endsWith(`/svc/${service}`) ? undefined : new Error(`${subjectaltname} answered`),
      });
      checkAnswer(answer, service);
    },
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}
