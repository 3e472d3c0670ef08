import { type Api, type ApiServer, makeApi } from '../../contract/kubernetes/api.ts';
import { at } from '../../contract/kubernetes/reading.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import { startRealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { post, Refusals } from './refusals.ts';

const NAMESPACE = 'ambassador';
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

export interface RealApiServer extends ApiServer {
  stop(): Promise<void>;
}

/** The real API server with what the contract needs of its operator. */
export async function startRealApiServer(): Promise<RealApiServer> {
  const kubernetes = await startRealKubernetes();
  const { url, caPem, adminToken } = kubernetes;
  const api = makeApi(() => ({ url, caPem, adminToken, namespace: NAMESPACE }));
  const refusals = new Refusals(api);
  const stop = async () => {
    await Promise.all([refusals.close(), api.close()]);
    await kubernetes.stop();
  };
  try {
    await post(api, '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    return {
      url,
      caPem,
      adminToken,
      namespace: NAMESPACE,
      expiredVersion: async () => kubernetes.expiredVersion,
      async account(name, rules) {
        const user = `system:serviceaccount:${NAMESPACE}:${name}`;
        await post(api, api.collection('serviceaccounts'), { metadata: { name } });
        await grant(api, name, rules);
        await untilGranted(api, user, rules);
        return { user, token: await kubernetes.tokenFor(NAMESPACE, name) };
      },
      refusing: (how) => refusals.namespace(how),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function grant(api: Api, name: string, rules: readonly PolicyRule[]): Promise<void> {
  const metadata = { name };
  await post(api, `${RBAC}/roles`, { metadata, rules: rules.map((rule) => ({ ...rule, apiGroups: [''] })) });
  await post(api, `${RBAC}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  });
}

/** The authorizer knows of a Role a moment after it is there. */
async function untilGranted(api: Api, user: string, rules: readonly PolicyRule[]): Promise<void> {
  const [rule] = rules;
  if (rule === undefined) return;
  const { resources, resourceNames, verbs } = rule;
  const resourceAttributes = {
    namespace: NAMESPACE,
    verb: verbs[0],
    resource: resources[0],
    name: resourceNames?.[0],
  };
  await eventually(`the rules of ${user} hold`, async () => {
    const review = await post(api, REVIEWS, { spec: { user, resourceAttributes } });
    return at(review, 'status', 'allowed') === true;
  });
}
