import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { withIndex } from '../fixtures/consul/answer.ts';
import { leafAnswer } from '../fixtures/consul/wire.ts';
import { assertWorks, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';

const ANNOTATION = 'getambassador.io/config';

test('with nothing set but addresses the Secret and the Service of the seed are published', async (t) => {
  const bed = await makeBed(t);

  await bed.startReady();

  assert.equal(bed.secret()?.type, 'kubernetes.io/tls');
  const leaf = assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(bed.entry('tls.key'))));
  assert.match(leaf.subjectAltName ?? '', /\/svc\/ambassador$/);
  assert.equal(
    bed.service()?.metadata.annotations?.[ANNOTATION],
    [
      '---',
      'apiVersion: getambassador.io/v2',
      'kind: TLSContext',
      'name: ambassador-consul',
      'hosts: []',
      `secret: ${SECRET}`,
      '',
    ].join('\n'),
  );
});

describe('what the environment changes', { concurrency: 3 }, () => {
  test('an Ambassador ID is in every name and in the TLSContext, whose name stays', async (t) => {
    const bed = await makeBed(t);

    await bed.startReady({ _AMBASSADOR_ID: 'edge' });

    assertWorks(bed.entry('tls.crt', 'edge-consul-connect'), bed.entry('ca.crt', 'edge-consul-connect'));
    const annotation = bed.service('edge-consul-connector')?.metadata.annotations?.[ANNOTATION] ?? '';
    assert.match(annotation, /^name: ambassador-consul$/m);
    assert.match(annotation, /^ambassador_id: \[ ?edge ?\]$/m);
    assert.match(annotation, /^secret: edge-consul-connect$/m);
    assert.deepEqual([...new Set(bed.consul.requests.map(({ service }) => service))].sort(), [
      'ambassador-edge',
      undefined,
    ]);
  });

  test('two IDs side by side leave each other alone', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady();
    const before = [bed.secret(), bed.service()];

    await bed.startReady({ _AMBASSADOR_ID: 'edge' });

    assert.deepEqual([bed.secret(), bed.service()], before);
    assert.deepEqual(
      bed.cluster.list('Secret', NAMESPACE).map(({ metadata }) => metadata.name),
      [SECRET, 'edge-consul-connect'],
    );
    assert.deepEqual(
      bed.cluster.list('Service', NAMESPACE).map(({ metadata }) => metadata.name),
      [SERVICE, 'edge-consul-connector'],
    );
  });

  test('a Secret in another namespace is named with it', async (t) => {
    const bed = await makeBed(t, { cluster: { namespaces: [NAMESPACE, 'gateways'] } });

    await bed.startReady({
      _AMBASSADOR_TLS_SECRET_NAMESPACE: 'gateways',
      _AMBASSADOR_TLS_SECRET_NAME: 'mesh',
    });

    assertWorks(bed.entry('tls.crt', 'mesh', 'gateways'), bed.entry('ca.crt', 'mesh', 'gateways'));
    const annotation = bed.service()?.metadata.annotations?.[ANNOTATION] ?? '';
    assert.match(annotation, /^secret: mesh\.gateways\nsecret_namespacing: true$/m);
  });

  test('E1: an annotation of v1, which ends Emissary, is replaced at the start', async (t) => {
    const bed = await makeBed(t);
    const first = await bed.startReady({ _AMBASSADOR_API_VERSION: 'ambassador/v1' });
    await first.line('the TLSContext apiVersion crashes Emissary-ingress');
    await first.stop();

    await bed.startReady();

    assert.match(
      bed.service()?.metadata.annotations?.[ANNOTATION] ?? '',
      /^apiVersion: getambassador\.io\/v2$/m,
    );
  });

  test('the token of Consul opens the leaf', async (t) => {
    const token = 'b9ecb2f2-5a0e-4d3c-9a3b-000000000001';
    const bed = await makeBed(t, {
      consul: { acl: { tokens: { [token]: { serviceWrite: ['ambassador'] } } } },
    });

    await bed.startReady({ CONSUL_HTTP_TOKEN: token });

    assert.ok(bed.secret());
  });

  test('T1: a leaf from the cache of the agent, which the token may not have renewed, is published with a warning', async (t) => {
    const bed = await makeBed(t, { consul: { acl: { tokens: {} } } });
    bed.consul.script('leaf', async (request) => {
      if (request.query.has('index')) return 'hang';
      return withIndex(leafAnswer(await bed.consul.leaf('ambassador')), 7);
    });

    const daemon = await bed.startReady();

    const { code, remedy } = await daemon.line('the leaf will not be renewed');
    assert.equal(code, 'CONSUL_PERMISSION_DENIED');
    assert.match(String(remedy), /service "ambassador" \{ policy = "write" \}/);
  });

  test('a token that may not have the leaf is told apart, and a policy cures it', async (t) => {
    const token = 'b9ecb2f2-5a0e-4d3c-9a3b-000000000002';
    const bed = await makeBed(t, { consul: { acl: { tokens: { [token]: { serviceWrite: [] } } } } });
    const daemon = bed.start({ CONSUL_HTTP_TOKEN: token });
    const line = await daemon.line(({ code }) => code === 'CONSUL_PERMISSION_DENIED');
    assert.match(String(line['remedy']), /service "ambassador" \{ policy = "write" \}/);
    await daemon.unready(/policy = "write"/);

    bed.consul.setAcl({ tokens: { [token]: { serviceWrite: 'any' } } });

    await daemon.ready();
  });
});
