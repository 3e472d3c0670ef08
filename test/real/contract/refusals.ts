import assert from 'node:assert/strict';
import type { Api, Json, Refusal } from '../../contract/kubernetes/api.ts';
import { secret } from '../../contract/kubernetes/manifests.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { startWebhook, type Webhook } from '../../fixtures/servers/webhook.ts';

const WEBHOOK = 'refuse.example.com';

/** Creates an object as the administrator. */
export async function post(api: Api, path: string, body: object): Promise<Json> {
  const answer = await api.call(path, { method: 'POST', body });
  assert.equal(answer.code, 201, answer.text);
  return answer.body;
}

/** Namespaces of a real API server in which every new Secret is refused. */
export class Refusals {
  readonly #api: Api;
  readonly #webhooks: Webhook[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  async namespace(how: Refusal): Promise<string> {
    const name = `refusing-${how}`;
    await post(this.#api, '/api/v1/namespaces', { metadata: { name, labels: { refusing: how } } });
    await this.#refuse(how, name);
    const probe = `/api/v1/namespaces/${name}/secrets?dryRun=All`;
    await eventually(`a Secret is refused by ${how}`, async () => {
      return (await this.#api.call(probe, { method: 'POST', body: secret('probe') })).code >= 400;
    });
    return name;
  }

  async close(): Promise<void> {
    for (const webhook of this.#webhooks) webhook.close();
  }

  async #refuse(how: Refusal, namespace: string): Promise<void> {
    if (how === 'quota') return this.#limit(namespace);
    if (how === 'webhook') return this.#denyAll();
    // No controller empties it, so it stays.
    const { code } = await this.#api.call(`/api/v1/namespaces/${namespace}`, { method: 'DELETE' });
    assert.equal(code, 200);
  }

  /** What the quota controller would do is done here: it does not run. */
  async #limit(namespace: string): Promise<void> {
    const hard = { 'count/secrets': '0' };
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const quota = await post(this.#api, path, { metadata: { name: 'no-secrets' }, spec: { hard } });
    const body = { ...quota, status: { hard, used: hard } };
    const { code } = await this.#api.call(`${path}/no-secrets/status`, { method: 'PUT', body });
    assert.equal(code, 200);
  }

  async #denyAll(): Promise<void> {
    const webhook = await startWebhook(WEBHOOK, () => ({ allowed: false, message: 'not today' }), {
      matchLabels: { refusing: 'webhook' },
    });
    this.#webhooks.push(webhook);
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    await post(this.#api, path, webhook.configuration);
  }
}
