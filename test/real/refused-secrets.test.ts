import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { startWebhook } from '../fixtures/servers/webhook.ts';
import { inNamespace } from './manifests.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

/** The longest backoff of the publishing loop, and room. */
const RECOVERS_WITHIN_MS = 45_000;
const WEBHOOK = 'refuse.example.com';
const LEAVING = 'leaving';

const world = useWorld();

interface Case {
  readonly what: string;
  /** Makes the API server refuse, and returns what makes it stop. */
  refuse(): Promise<() => Promise<unknown>>;
  readonly cause: RegExp;
  readonly remedy: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'of type Opaque',
    refuse: () => putSecret({ type: 'Opaque' }),
    cause: /its type is Opaque, not kubernetes\.io\/tls/,
    remedy: /kubectl -n ambassador delete secret ambassador-consul-connect/,
  },
  {
    what: 'that is immutable',
    refuse: () =>
      putSecret({
        type: 'kubernetes.io/tls',
        immutable: true,
        data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' },
      }),
    cause: /it is immutable/,
    remedy: /kubectl -n ambassador delete secret ambassador-consul-connect/,
  },
  {
    what: 'that an admission webhook refuses',
    refuse: putWebhook,
    cause: /refuse\.example\.com/,
    remedy: /owner of the admission webhook/,
  },
  {
    what: 'that exceeds the quota',
    refuse: putQuota,
    cause: /exceeded quota: no-secrets/,
    remedy: /raise the ResourceQuota of the namespace/,
  },
];

for (const { what, refuse, cause, remedy } of CASES) {
  test(`26: A Secret ${what}: unready with the reason, keeps trying, recovers when the cause goes`, async () => {
    await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
    const mend = await refuse();
    const before = await world.show('secret', SECRET);
    const daemon = startDaemon({ ...(await world.environment()), ...EACH_ATTEMPT });
    try {
      const failed = await daemon.line(
        ({ msg, error }) => msg === 'publishing failed, retrying' && cause.test(String(error)),
      );
      assert.match(String(failed['remedy']), remedy);
      await daemon.unready(cause);
      await daemon.line(({ attempt }) => Number(attempt) >= 2);
      assert.deepEqual(await world.show('secret', SECRET), before, 'it stays as it was');

      await mend();

      await daemon.ready(RECOVERS_WITHIN_MS);
      assert.match(await world.read(SECRET, 'tls.crt'), /^-----BEGIN CERTIFICATE-----/);
    } finally {
      await daemon.stop();
      await mend();
    }
  });
}

async function putSecret(fields: Readonly<Record<string, unknown>>): Promise<() => Promise<unknown>> {
  const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, ...fields };
  await world.kubectl(['create', '-f', '-'], JSON.stringify(manifest));
  let mended = false;
  return async () => {
    if (!mended) await world.kubectl(['delete', 'secret', SECRET]);
    mended = true;
  };
}

/** A quota that allows no Secret more. What the quota controller would do is done here: only the API server runs. */
async function putQuota(): Promise<() => Promise<unknown>> {
  const hard = { 'count/secrets': '0' };
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-secrets', namespace: NAMESPACE },
    spec: { hard },
  };
  const created = await world.kubectl(['create', '-o', 'json', '-f', '-'], JSON.stringify(quota));
  const path = `/api/v1/namespaces/${NAMESPACE}/resourcequotas/no-secrets/status`;
  const status = { ...JSON.parse(created), status: { hard, used: hard } };
  await world.kubectl(['replace', '--raw', path, '-f', '-'], JSON.stringify(status));
  await refusesSecrets();
  return () => world.kubectl(['delete', '--ignore-not-found', 'resourcequota', 'no-secrets']);
}

/** A webhook that refuses every new Secret. */
async function putWebhook(): Promise<() => Promise<unknown>> {
  const webhook = await startWebhook(WEBHOOK, () => ({ allowed: false, message: 'not today' }));
  await world.kubectl(['create', '-f', '-'], JSON.stringify(webhook.configuration));
  await refusesSecrets();
  return async () => {
    await world.kubectl(['delete', '--ignore-not-found', 'validatingwebhookconfiguration', WEBHOOK]);
    webhook.close();
  };
}

/** What refuses is in force a moment after it was created. */
async function refusesSecrets(): Promise<void> {
  const probe = ['-n', NAMESPACE, 'create', 'secret', 'generic', 'probe', '--dry-run=server'];
  await eventually(
    'a Secret is refused',
    async () => (await world.kubernetes.kubectl(probe)).code !== 0,
    20_000,
  );
}

test('26: A namespace that is terminated, then gone: unready with the reason, keeps trying, recovers when it is made again', async () => {
  const inside = ['-n', LEAVING];
  await world.kubectl(['create', 'namespace', LEAVING]);
  const moved = inNamespace(await readFile(world.manifest, 'utf8'), LEAVING);
  await world.kubernetes.kubectl([...inside, 'apply', '-f', '-'], moved);
  const KUBECONFIG = await world.kubernetes.kubeconfigFor(LEAVING, SERVICE);
  // Nobody but the namespace controller ends a namespace, and it does not run here.
  await world.kubectl(['delete', '--wait=false', 'namespace', LEAVING]);
  const daemon = startDaemon({ ...(await world.environment()), KUBECONFIG });
  try {
    const terminated = await daemon.line(({ error }) => /being terminated/.test(String(error)));
    assert.match(String(terminated['remedy']), /the namespace is being deleted/);
    await daemon.unready(/being terminated/);

    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: LEAVING },
      spec: { finalizers: [] },
    };
    await world.kubectl(
      ['replace', '--raw', `/api/v1/namespaces/${LEAVING}/finalize`, '-f', '-'],
      JSON.stringify(namespace),
    );
    const gone = await daemon.line(({ code }) => code === 'KUBERNETES_NOT_FOUND', RECOVERS_WITHIN_MS);
    assert.match(String(gone['remedy']), /namespace/);
    await daemon.unready(/not found/);

    await world.kubectl(['create', 'namespace', LEAVING]);
    await daemon.ready(RECOVERS_WITHIN_MS);
  } finally {
    await daemon.stop();
  }
});
