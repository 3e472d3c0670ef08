import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { EmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { portOf } from '../fixtures/consul/port-of.ts';
import { forward } from '../fixtures/servers/forward.ts';
import { makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';

test('C7: the published ca.crt verifies an agent with auto_encrypt, also after a rotation of its CA', async (t) => {
  const bed = await makeBed(t);
  const agent = await startAutoEncrypted(t, bed.consul);
  const folder = join(temporary(), 'out');
  mkdirSync(folder);
  // The response of a server to GET /v1/connect/ca/roots?pem=true.
  writeFileSync(join(folder, 'ca.crt'), bed.consul.activeRoot.authority.certPem);
  const daemon = await bed.startReady({
    _OUTPUT_DIR: folder,
    _CONSUL_PORT: String(agent.port),
    CONSUL_HTTP_SSL: 'true',
    CONSUL_CACERT: join(folder, 'ca.crt'),
  });

  for (const turn of [1, 2]) {
    await bed.consul.rotateRoot();
    await eventually(`the root of rotation ${turn}`, () =>
      readFileSync(join(folder, 'ca.crt'), 'utf8').includes(bed.consul.activeRoot.authority.certPem),
    );
    await agent.renew();
  }

  const { length } = bed.consul.requests;
  await eventually('a request by the last certificate', () => bed.consul.requests.length > length);
  await daemon.ready();
  assert.deepEqual(
    daemon.logs.filter(({ code }) => code === 'CONSUL_TLS'),
    [],
  );
});

/** The HTTPS port of an agent with auto_encrypt: its certificate comes from the Connect CA, and follows a rotation. */
async function startAutoEncrypted(t: TestContext, consul: EmbeddedConsul) {
  const issue = async () => {
    const { chainPem, keyPem } = await consul.activeRoot.authority.issueLeaf({
      service: 'agent',
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    });
    return { cert: chainPem, key: keyPem };
  };
  const server = createServer(await issue(), (message, response) => {
    forward(message, response, new URL(message.url ?? '/', consul.url));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    port: portOf(server),
    renew: async () => {
      server.setSecureContext(await issue());
      server.closeAllConnections();
    },
  };
}
