import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { publicKeyDigest, verify } from './openssl.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const ANNOTATION = 'getambassador.io/config';
const TWO_SECONDS = 2_000;

const world = useWorld();

test('with nothing set but the addresses the Secret and the Service of the seed exist within two seconds', async () => {
  const environment = await world.environment();
  const daemon = startDaemon(environment);
  try {
    const { secret, service } = await eventually(
      'Secret and Service',
      async () => {
        const [secret, service] = await Promise.all([
          world.show('secret', SECRET),
          world.show('service', SERVICE),
        ]);
        return secret && service && { secret, service };
      },
      TWO_SECONDS,
    );
    const [tlsCrt, tlsKey, caCrt] = await Promise.all(
      ['tls.crt', 'tls.key', 'ca.crt'].map((key) => world.read(SECRET, key)),
    );

    assert.equal(secret.type, 'kubernetes.io/tls');
    assert.equal(
      service.metadata.annotations[ANNOTATION],
      '---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ambassador-consul-connect\n',
    );
    assert.equal(await verify(tlsCrt ?? '', caCrt ?? ''), 'tls.crt: OK');
    assert.equal(
      await publicKeyDigest('certificate', tlsCrt ?? ''),
      await publicKeyDigest('key', tlsKey ?? ''),
    );
    await daemon.ready(0);
  } finally {
    await daemon.stop();
  }
});

test('two Ambassador IDs live side by side, each by the overlay with its own rights, and touch only their own', async () => {
  await world.kubectl(['apply', '-k', `${world.k8s}/overlays/edge`]);
  const plain = startDaemon(await world.environment());
  const edge = startDaemon({
    ...(await world.environment('ambassador-consul-connector-edge')),
    _AMBASSADOR_ID: 'edge',
  });
  try {
    await eventually('the Service of edge', () => world.show('service', 'edge-consul-connector'));
    const before = await world.show('secret', SECRET);

    await world.kubectl(['delete', 'secret', 'edge-consul-connect']);
    await eventually('the Secret of edge', () => world.show('secret', 'edge-consul-connect'));

    const service = await world.show('service', 'edge-consul-connector');
    assert.equal(
      service?.metadata.annotations[ANNOTATION],
      '---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nambassador_id: [edge]\nhosts: []\nsecret: edge-consul-connect\n',
    );
    const leaf = await world.show('secret', 'edge-consul-connect');
    assert.match(leaf?.metadata.annotations[`${SERVICE}/spiffe-id`] ?? '', /\/svc\/ambassador-edge$/);
    const after = await world.show('secret', SECRET);
    assert.equal(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
    for (const daemon of [plain, edge]) {
      assert.deepEqual(
        daemon.logs.filter(({ code }) => code === 'KUBERNETES_FORBIDDEN'),
        [],
      );
    }
  } finally {
    await Promise.all([plain.stop(), edge.stop()]);
  }
});

test('the manifest and the overlay apply cleanly, on the server as a dry run too', async () => {
  for (const source of [
    ['-f', world.manifest],
    ['-k', `${world.k8s}/overlays/edge`],
  ]) {
    await world.kubectl(['apply', '--dry-run=server', ...source]);
    const applied = await world.kubectl(['apply', ...source]);
    assert.match(applied, /deployment.apps\/ambassador-consul-connector/);
  }
});

test('a person who describes the Secret reads whose it is, until when, and why it was written', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await eventually('the Secret', () => world.show('secret', SECRET));
    const described = await world.kubectl(['describe', 'secret', SECRET]);
    for (const fact of [
      'spiffe-id',
      'serial-number',
      'not-before',
      'not-after',
      'issuer',
      'trust-domain',
      'write-reason',
    ]) {
      assert.match(described, new RegExp(`${SERVICE}/${fact}: \\S`), fact);
    }
    assert.match(described, new RegExp(`Namespace:\\s+${NAMESPACE}`));
  } finally {
    await daemon.stop();
  }
});
