import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { makeAuthority } from '../servers/authority.ts';
import { NAMESPACE, SECRET, useWorld } from './world.ts';

/** The longest backoff of the publishing loop, and room. */
const RECOVERS_WITHIN_MS = 45_000;
const WEBHOOK = 'refuse.example.com';

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
    remedy: /owner of that admission webhook/,
  },
];

for (const { what, refuse, cause, remedy } of CASES) {
  test(`26: A Secret ${what}: unready with the reason, keeps trying, recovers when the cause goes`, async () => {
    await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
    const mend = await refuse();
    const before = await world.show('secret', SECRET);
    const daemon = startDaemon(await world.environment());
    try {
      const failed = await daemon.line(
        ({ msg, error }) => msg === 'publishing failed, will try again' && cause.test(String(error)),
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

/** A webhook that refuses every Secret of the namespace. */
async function putWebhook(): Promise<() => Promise<unknown>> {
  const authority = await makeAuthority('Admission webhook');
  const { certificate, privateKey } = await authority.issue('webhook');
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const { request: review }: { request: { uid: string } } = JSON.parse(text);
      const answer = { uid: review.uid, allowed: false, status: { message: 'not today' } };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      );
    });
  });
  const url = `https://127.0.0.1:${await listen(server)}/`;
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: WEBHOOK },
    webhooks: [
      {
        name: WEBHOOK,
        clientConfig: { url, caBundle: Buffer.from(authority.certificate).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
  await world.kubectl(['create', '-f', '-'], JSON.stringify(configuration));
  // It is in force a moment after it was created.
  await eventually(
    'the webhook is in force',
    async () => {
      const probe = ['-n', NAMESPACE, 'create', 'secret', 'generic', 'probe', '--dry-run=server'];
      return (await world.kubernetes.kubectl(probe)).code !== 0;
    },
    20_000,
  );
  return async () => {
    await world.kubectl(['delete', '--ignore-not-found', 'validatingwebhookconfiguration', WEBHOOK]);
    server.closeAllConnections();
    server.close();
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('it has no port'));
      else resolve(address.port);
    });
  });
}
