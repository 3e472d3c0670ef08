import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulLeaf, ConsulRoots } from '../../fixtures/servers/consul-client.ts';
import { ask } from '../../fixtures/servers/http.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import { checkAnswer } from './answer.ts';

export interface PerfectClient {
  /** One request on a new TLS connection, with the newest leaf and roots. @throws if it fails */
  send(service: string, port: number): Promise<void>;
  stop(): Promise<void>;
}

const ASK_AGAIN_MS = 200;

/**
 * A client that nothing stands between and Consul: no Secret, no watch, no reload. Where even its requests fail no
 * connector could have helped.
 */
export async function startPerfectClient(consul: RealConsul, identity: string): Promise<PerfectClient> {
  const rootsPath = '/v1/agent/connect/ca/roots';
  const leafPath = `/v1/agent/connect/ca/leaf/${identity}`;
  let roots = await consul.mustGet<ConsulRoots>(rootsPath);
  let leaf = await consul.mustGet<ConsulLeaf>(leafPath);
  let running = true;

  async function follow<T>(path: string, take: (answer: T) => void): Promise<void> {
    let index = '';
    while (running) {
      try {
        const { status, headers, body } = await consul.get(
          index === '' ? path : `${path}?index=${index}&wait=5s`,
        );
        if (status !== 200) throw new Error(body);
        take(JSON.parse(body));
        index = String(headers['x-consul-index'] ?? '');
      } catch {
        index = '';
        await sleep(ASK_AGAIN_MS);
      }
    }
  }
  const loops = Promise.all([
    follow<ConsulRoots>(rootsPath, (answer) => {
      roots = answer;
    }),
    follow<ConsulLeaf>(leafPath, (answer) => {
      leaf = answer;
    }),
  ]);

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
      running = false;
      await loops;
    },
  };
}
