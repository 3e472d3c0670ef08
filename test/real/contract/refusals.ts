import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { json } from 'node:stream/consumers';
import type { Api, Json, Refusal } from '../../contract/kubernetes/api.ts';
import { secret } from '../../contract/kubernetes/manifests.ts';
import { at } from '../../contract/kubernetes/reading.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { makeAuthority } from '../../fixtures/servers/authority.ts';

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
  readonly #webhooks: Server[] = [];

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
    for (const webhook of this.#webhooks) {
      webhook.closeAllConnections();
      webhook.close();
    }
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
    const authority = await makeAuthority('Admission webhook');
    const { certificate, privateKey } = await authority.issue('webhook');
    const webhook = createServer({ cert: certificate, key: privateKey }, async (request, response) => {
      const uid = at(await json(request), 'request', 'uid');
      const answer = { uid, allowed: false, status: { message: 'not today' } };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      );
    });
    this.#webhooks.push(webhook);
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const address = webhook.address();
    assert.ok(address !== null && typeof address !== 'string');
    await post(
      this.#api,
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
      configuration(`https://127.0.0.1:${address.port}/`, authority.certificate),
    );
  }
}

function configuration(url: string, caPem: string): object {
  return {
    metadata: { name: WEBHOOK },
    webhooks: [
      {
        name: WEBHOOK,
        clientConfig: { url, caBundle: Buffer.from(caPem).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }],
        namespaceSelector: { matchLabels: { refusing: 'webhook' } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}
