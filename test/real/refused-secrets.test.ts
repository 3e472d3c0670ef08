import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { inNamespace } from './manifests.ts';
import { addQuota, addWebhook, QUOTA, refusesSecrets, WEBHOOK } from './refusals.ts';
import { mustKubectl, NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const LEAVING = 'leaving';

const world = useWorld();

const DELETE_IT = /kubectl -n ambassador delete secret ambassador-consul-connect/;
const IMMUTABLE = {
  type: 'kubernetes.io/tls',
  immutable: true,
  data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' },
};

for (const [what, refuse, cause, remedy] of [
  [
    'of type Opaque',
    () => putSecret({ type: 'Opaque' }),
    /its type is Opaque, not kubernetes\.io\/tls/,
    DELETE_IT,
  ],
  ['that is immutable', () => putSecret(IMMUTABLE), /it is immutable/, DELETE_IT],
  ['that an admission webhook refuses', putWebhook, /refuse\.example\.com/, /owner of the admission webhook/],
  [
    'that exceeds the quota',
    putQuota,
    /exceeded quota: no-secrets/,
    /raise the ResourceQuota of the namespace/,
  ],
] as const)
  test(`26: A Secret ${what}: unready with the reason, keeps trying, recovers when the cause is removed`, async (t) => {
    await world.deletePublished();
    const allow = await refuse();
    t.after(allow);
    const before = await world.show('secret', SECRET);
    const daemon = await world.startDaemon(t, EACH_ATTEMPT);
    const failed = await daemon.line(
      ({ msg, error }) => msg === 'publishing failed, retrying' && cause.test(String(error)),
    );
    assert.match(String(failed['remedy']), remedy);
    await daemon.unready(cause);
    await daemon.line(({ attempt }) => Number(attempt) >= 2);
    assert.deepEqual(await world.show('secret', SECRET), before, 'it stays as it was');

    await allow();

    await daemon.ready();
    assert.match(await world.read(SECRET, 'tls.crt'), /^-----BEGIN CERTIFICATE-----/);
  });

async function putSecret(fields: object): Promise<() => Promise<unknown>> {
  await world.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, ...fields });
  return () => world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
}

async function putQuota(): Promise<() => Promise<unknown>> {
  await addQuota(world.kubernetes, NAMESPACE);
  await refusesSecrets(world.kubernetes, NAMESPACE);
  return () => world.kubectl(['delete', '--ignore-not-found', 'resourcequota', QUOTA]);
}

async function putWebhook(): Promise<() => Promise<unknown>> {
  const webhook = await addWebhook(world.kubernetes);
  await refusesSecrets(world.kubernetes, NAMESPACE);
  return async () => {
    await world.kubectl(['delete', '--ignore-not-found', 'validatingwebhookconfiguration', WEBHOOK]);
    webhook.close();
  };
}

test('26: A namespace that is terminated, then deleted: unready with the reason, keeps trying, recovers when it is created again', async (t) => {
  await world.kubectl(['create', 'namespace', LEAVING]);
  const moved = inNamespace(await readFile(world.manifest, 'utf8'), LEAVING);
  await mustKubectl(world.kubernetes, ['-n', LEAVING, 'apply', '-f', '-'], moved);
  const KUBECONFIG = await world.kubernetes.kubeconfigFor(LEAVING, SERVICE);
  // It stays: there is no namespace controller.
  await world.kubectl(['delete', '--wait=false', 'namespace', LEAVING]);
  const daemon = await world.startDaemon(t, { KUBECONFIG });
  const terminated = await daemon.line(({ error }) => /being terminated/.test(String(error)));
  assert.match(String(terminated['remedy']), /the namespace is being deleted/);
  await daemon.unready(/being terminated/);

  const metadata = { name: LEAVING };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: [] } };
  const finalize = ['replace', '--raw', `/api/v1/namespaces/${LEAVING}/finalize`, '-f', '-'];
  await world.kubectl(finalize, JSON.stringify(namespace));
  const gone = await daemon.line(({ code }) => code === 'KUBERNETES_NOT_FOUND');
  assert.match(String(gone['remedy']), /namespace/);
  await daemon.unready(/not found/);

  await world.kubectl(['create', 'namespace', LEAVING]);
  await daemon.ready();
});
