import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { startDaemon } from '../e2e/support/daemon.ts';
import { commonName } from '../fixtures/servers/common-name.ts';
import { consulIsAtLeast } from '../fixtures/servers/consul-version.ts';
import { httpRequest } from '../fixtures/servers/http.ts';
import { startIngressNginx } from '../fixtures/servers/ingress-nginx.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';
import { containerOf, environmentOf, podSpecOf } from './pod-spec.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

const EXAMPLE = new URL('../../k8s/examples/ingress-nginx/', import.meta.url);
const PREFIX = 'nginx.ingress.kubernetes.io/';
const IDENTITY = 'ingress-nginx';

let sidecar: Sidecar;
const world = useWorld({}, async ({ consul, kubectl, environment }) => {
  sidecar = await startSidecar(consul, 'qotm');
  await kubectl(['apply', '-k', fileURLToPath(EXAMPLE)]);
  const deployment = JSON.parse(await kubectl(['get', 'deployment', SERVICE, '-o', 'json']));
  const example = environmentOf(containerOf(podSpecOf(deployment)));
  const daemon = startDaemon({ ...(await environment()), ...example });
  await daemon.ready();
  await daemon.stop();
});
after(() => sidecar.stop());

/** The status of a request through nginx with the annotations of the example, some of them replaced by `more`. */
async function through(more: Readonly<Record<string, string>> = {}): Promise<number> {
  const { metadata } = parse(await readFile(new URL('ingress.yaml', EXAMPLE), 'utf8'));
  const nginx = await startIngressNginx(
    { ...metadata.annotations, ...more },
    { name: 'qotm', port: sidecar.publicPort },
    {
      certificate: await world.read(SECRET, 'tls.crt'),
      privateKey: await world.read(SECRET, 'tls.key'),
      bundle: await world.read(SECRET, 'ca.crt'),
    },
  );
  try {
    return (await httpRequest(`http://127.0.0.1:${nginx.port}/qotm/`)).status;
  } finally {
    await nginx.stop();
  }
}

test('the example publishes no Service but an identity, with which nginx, configured as ingress-nginx does from the annotations, reaches the service unless an intention denies it', async () => {
  const spiffeId = (await world.annotation('secret', SECRET, `${SERVICE}/spiffe-id`)) ?? '';
  assert.match(spiffeId, new RegExp(`/svc/${IDENTITY}$`));
  assert.equal(await world.show('service', SERVICE), undefined);

  assert.equal(await through(), 200);
  await world.consul.intend('deny', IDENTITY, 'qotm');
  assert.equal(await through(), 502);
  await world.consul.intend('allow', IDENTITY, 'qotm');
  assert.equal(await through(), 200);
});

test('with verification only the name that Consul up to 1.10 writes into the subject is accepted', async () => {
  const verified = { [`${PREFIX}proxy-ssl-verify`]: 'on', [`${PREFIX}proxy-ssl-verify-depth`]: '4' };
  const { CertPEM } = await world.consul.leaf('qotm');
  const name = commonName(CertPEM);
  if (consulIsAtLeast(11)) {
    assert.equal(name, undefined);
  } else {
    assert.match(name ?? '', /^qotm\.svc\.default\.[0-9a-f]{8}\.consul$/);
    assert.equal(await through({ ...verified, [`${PREFIX}proxy-ssl-name`]: String(name) }), 200);
  }
  assert.equal(await through({ ...verified, [`${PREFIX}proxy-ssl-name`]: 'qotm.example.com' }), 502);
  assert.equal(await through(verified), 502);
});
