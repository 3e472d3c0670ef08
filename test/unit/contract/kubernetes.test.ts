import { after } from 'node:test';
import type { ApiServer, Refusal } from '../../contract/kubernetes/api.ts';
import { kubernetesContract } from '../../contract/kubernetes.ts';
import {
  type KubernetesDouble,
  quotaExceeded,
  startKubernetesDouble,
  webhookDenied,
} from '../../fixtures/kubernetes/index.ts';

const NAMESPACE = 'ambassador';

const double = await startKubernetesDouble({ namespaces: [NAMESPACE] });
after(() => double.close());
const server = operate(double);
kubernetesContract(() => server);

/** The double with what the contract needs of its operator. */
function operate(cluster: KubernetesDouble): ApiServer {
  const expired = cluster.put({ kind: 'Secret', metadata: { name: 'long-ago' } }).metadata.resourceVersion;
  cluster.compact();
  const secrets = { group: '', plural: 'secrets' };
  const refusals: Record<Refusal, (namespace: string) => unknown> = {
    terminating: (namespace) => cluster.setNamespace(namespace, 'Terminating'),
    quota: (namespace) =>
      cluster.script({ verb: 'create', namespace }, quotaExceeded(secrets, 'refused', 'no-secrets')),
    webhook: (namespace) =>
      cluster.script({ verb: 'create', namespace }, webhookDenied('refuse.example.com', 'not today')),
  };
  return {
    url: cluster.url,
    caPem: cluster.caPem,
    adminToken: cluster.token,
    namespace: NAMESPACE,
    async account(name, rules) {
      const user = `system:serviceaccount:${NAMESPACE}:${name}`;
      return { user, token: cluster.addAccount(user, NAMESPACE, rules) };
    },
    expiredVersion: async () => expired,
    async refusing(how) {
      const namespace = `refusing-${how}`;
      cluster.setNamespace(namespace, 'Active');
      refusals[how](namespace);
      return namespace;
    },
  };
}
