import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { ask } from '../fixtures/servers/http.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';
import { SECRET, useWorld } from './world.ts';

let sidecar: Sidecar;

const world = useWorld({}, async ({ consul }) => {
  sidecar = await startSidecar(consul, 'quote');
});
after(() => sidecar.stop());

/** The status of a request through the sidecar by a client that has nothing but the published Secret; or its error. */
async function throughSidecar(): Promise<unknown> {
  const [cert, key, ca] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => world.read(SECRET, name)),
  );
  // Certificates of the mesh name a SPIFFE ID, not a host.
  const options = { cert, key, ca, checkServerIdentity: () => undefined };
  return ask(`https://127.0.0.1:${sidecar.publicPort}/`, options).then(({ status }) => status, String);
}

test('a TLS client with nothing but the published Secret gets 200 through a real sidecar, and none with a deny intention', async (t) => {
  await (await world.startDaemon(t)).ready();
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
