import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import type { ConsulAccess } from '../../../src/consul/endpoint.ts';
import type { Lookup } from '../../../src/consul/servers.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { createRoot } from '../../fixtures/certificates/factory.ts';
import { portOf } from '../../fixtures/consul/port-of.ts';
import { clientOf, getLeaf, TLS } from './clients.ts';

const NAME = 'consul-server.consul.svc.cluster.local';
const lookup: Lookup = async () => [{ address: '127.0.0.1' }];

async function listen(t: TestContext, server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => server.close());
  return portOf(server);
}

/** The value of Host in each request to a server in plain HTTP. */
async function startPlain(t: TestContext, host: string) {
  const hosts: unknown[] = [];
  const server = createServer(({ headers }, response) => {
    hosts.push(headers.host);
    response.end('{}');
  });
  return { port: await listen(t, server, host), hosts };
}

const query = (t: TestContext, access: Pick<ConsulAccess, 'servers' | 'tls'>) =>
  getLeaf(clientOf(t, access, systemClock, lookup).connect());

/** A server with a certificate for `NAME` that rejects a name with a final dot, as Go does, and the names that it received. */
async function startTls(t: TestContext) {
  const root = await createRoot();
  const { chainPem: cert, keyPem: key } = await root.issueLeaf({ service: 'server', dnsNames: [NAME] });
  const names: unknown[] = [];
  const options = {
    cert,
    key,
    SNICallback: (
      name: string,
      done: (error: Error | null, context?: ReturnType<typeof createSecureContext>) => void,
    ) => {
      names.push(name);
      if (name.endsWith('.')) done(new Error('a name with a dot'));
      else done(null, createSecureContext({ cert, key }));
    },
  };
  const server = createTlsServer(options, ({ headers }: IncomingMessage, response) => {
    names.push(headers.host);
    response.end('{}');
  });
  const port = await listen(t, server, '127.0.0.1');
  const caFile = join(temporary(), 'ca.pem');
  writeFileSync(caFile, root.certPem);
  return { port, tls: { ...TLS, caFile }, names };
}

test('C10: over TLS the final dot of a host is in neither SNI nor Host, and the certificate matches', async (t) => {
  const { port, tls, names } = await startTls(t);
  await query(t, { servers: [{ host: `${NAME}.`, port }], tls });
  assert.deepEqual(names, [NAME, `${NAME}:${port}`]);
});

test('C10: CONSUL_TLS_SERVER_NAME may have a final dot', async (t) => {
  const { port, tls, names } = await startTls(t);
  await query(t, { servers: [{ host: '127.0.0.1', port }], tls: { ...tls, serverName: `${NAME}.` } });
  assert.deepEqual(names, [NAME, `127.0.0.1:${port}`]);
});

test('C10: in plain HTTP, too, only the resolver gets the final dot', async (t) => {
  const { port, hosts } = await startPlain(t, '127.0.0.1');
  await query(t, { servers: [{ host: `${NAME}.`, port }], tls: undefined });
  assert.deepEqual(hosts, [`${NAME}:${port}`]);
});

const HAS_IPV6 = (networkInterfaces()['lo'] ?? []).some(({ address }) => address === '::1');

test('C13: a connection to an IPv6 address uses its zone, which is not sent to the server', {
  skip: HAS_IPV6 ? false : 'there is no ::1 on lo',
}, async (t) => {
  const { port, hosts } = await startPlain(t, '::1');

  await query(t, { servers: [{ host: '::1%lo', port }], tls: undefined });

  assert.deepEqual(hosts, [`[::1]:${port}`]);
});
