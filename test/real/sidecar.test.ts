import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { httpRequest } from '../fixtures/servers/http.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';
import { verify } from './openssl.ts';
import { CONFIG, SECRET, SERVICE, text, useWorld } from './world.ts';

const FACTS = 'spiffe-id serial-number not-before not-after issuer trust-domain write-reason'.split(' ');
const TWO_SECONDS = 2_000;

let sidecar: Sidecar;

const world = useWorld({}, async ({ consul }) => {
  sidecar = await startSidecar(consul, 'quote');
});
after(() => sidecar.stop());

test('with only the addresses set, Secret and Service exist within two seconds, and kubectl describes the identity', async (t) => {
  const daemon = await world.startDaemon(t);
  const secret = await eventually(
    'Secret and Service',
    async () => {
      const [secret, service] = [await world.show('secret', SECRET), await world.show('service', SERVICE)];
      return service && secret;
    },
    TWO_SECONDS,
  );
  await daemon.ready(0);

  assert.equal(secret.type, 'kubernetes.io/tls');
  assert.equal(
    await world.annotation('service', SERVICE, CONFIG),
    '---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ambassador-consul-connect\n',
  );
  const certificate = text(secret, 'tls.crt');
  await verify(certificate, text(secret, 'ca.crt'));
  assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(text(secret, 'tls.key'))));
  const described = await world.kubectl(['describe', 'secret', SECRET]);
  for (const fact of FACTS) assert.match(described, new RegExp(`${SERVICE}/${fact}: \\S`), fact);
});

/** The status of a request through the sidecar by a client that has only the published Secret; or its error. */
async function throughSidecar(): Promise<unknown> {
  const [cert, key, ca] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => world.read(SECRET, name)),
  );
  // Certificates of the mesh name a SPIFFE ID, not a host.
  const options = { cert, key, ca, checkServerIdentity: () => undefined };
  return httpRequest(`https://127.0.0.1:${sidecar.publicPort}/`, options).then(
    ({ status }) => status,
    String,
  );
}

test('a TLS client with only the published Secret gets 200 through a real sidecar, and no answer with a deny intention', async (t) => {
  await world.startReady(t);
  await world.consul.intend('allow', 'ambassador', 'quote');
  assert.equal(await throughSidecar(), 200);

  await world.consul.intend('deny', 'ambassador', 'quote');
  const refusal = await eventually('rejected', async () => {
    const result = await throughSidecar();
    return result !== 200 && result;
  });
  assert.match(String(refusal), /alert bad certificate|ECONNRESET|socket|handshake/i);

  await world.consul.intend('allow', 'ambassador', 'quote');
  await eventually('200 again', async () => (await throughSidecar()) === 200);
});
