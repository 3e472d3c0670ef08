import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Agent, request } from 'undici';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';
import { SECRET, useWorld } from './world.ts';

let sidecar: Sidecar;

const world = useWorld({}, async (world) => {
  sidecar = await startSidecar(world.consul, 'quote');
});
after(() => sidecar.stop());

/** A request through the sidecar by a client that has nothing but the published Secret. */
async function throughSidecar(): Promise<number> {
  const [cert, key, ca] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => world.read(SECRET, name)),
  );
  const dispatcher = new Agent({
    // The server is verified by the published bundle; mesh certificates name a SPIFFE ID, not a host.
    connect: {
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(ca === undefined ? {} : { ca }),
      checkServerIdentity: () => undefined,
    },
  });
  try {
    const { statusCode, body } = await request(`https://127.0.0.1:${sidecar.publicPort}/`, { dispatcher });
    await body.dump();
    return statusCode;
  } finally {
    await dispatcher.destroy();
  }
}

test('a TLS client with nothing but the published Secret gets 200 through a real sidecar, and none with a deny intention', async () => {
  const daemon = startDaemon(await world.environment());
  try {
    await eventually('the Secret', () => world.show('secret', SECRET), 10_000);
    await world.consul.intend('allow', 'ambassador', 'quote');
    assert.equal(await throughSidecar(), 200);

    await world.consul.intend('deny', 'ambassador', 'quote');
    const refusal = await eventually(
      'rejected',
      () =>
        throughSidecar().then(
          () => undefined,
          (error: unknown) => error,
        ),
      10_000,
    );
    assert.match(String(refusal), /alert bad certificate|ECONNRESET|socket|handshake/i);

    await world.consul.intend('allow', 'ambassador', 'quote');
    await eventually('200 again', async () => (await throughSidecar().catch(() => 0)) === 200, 10_000);
  } finally {
    await daemon.stop();
  }
});
