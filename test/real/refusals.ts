import { eventually } from '../e2e/support/eventually.ts';
import type { RealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { startWebhook, type Webhook } from '../fixtures/servers/webhook.ts';
import { mustKubectl } from './world.ts';

export const WEBHOOK = 'refuse.example.com';
export const QUOTA = 'no-secrets';

/** A quota that allows no more Secrets in the namespace. Its status is set here, because there is no quota controller. */
export async function addQuota(kubernetes: RealKubernetes, namespace: string): Promise<void> {
  const hard = { 'count/secrets': '0' };
  const metadata = { name: QUOTA, namespace };
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } };
  const create = ['create', '-o', 'json', '-f', '-'];
  const created = JSON.parse(await mustKubectl(kubernetes, create, JSON.stringify(quota)));
  const path = `/api/v1/namespaces/${namespace}/resourcequotas/${QUOTA}/status`;
  const status = JSON.stringify({ ...created, status: { hard, used: hard } });
  await mustKubectl(kubernetes, ['replace', '--raw', path, '-f', '-'], status);
}

/** A webhook that refuses every new Secret of the namespaces that it selects; all of them by default. */
export async function addWebhook(kubernetes: RealKubernetes, namespaceSelector?: object): Promise<Webhook> {
  const refuse = () => ({ allowed: false, message: 'not today' });
  const webhook = await startWebhook(WEBHOOK, refuse, namespaceSelector);
  await mustKubectl(kubernetes, ['create', '-f', '-'], JSON.stringify(webhook.configuration));
  return webhook;
}

/** Resolves when a new Secret is refused: quota and webhook take effect a moment after their creation. */
export async function refusesSecrets(kubernetes: RealKubernetes, namespace: string): Promise<void> {
  const probe = ['-n', namespace, 'create', 'secret', 'generic', 'probe', '--dry-run=server'];
  await eventually('a Secret is refused', async () => (await kubernetes.kubectl(probe)).code !== 0);
}
