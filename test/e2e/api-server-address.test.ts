import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createSecureContext, type SecureContext } from 'node:tls';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { portOf } from '../fixtures/consul/port-of.ts';
import type { KubernetesDouble } from '../fixtures/kubernetes/index.ts';
import { forward } from '../fixtures/servers/forward.ts';
import { assertWorks, makeBed, NAMESPACE } from './support/bed.ts';
import { temporary } from './support/temporary.ts';

test('K8, C10: through `kubectl proxy`, which is plain HTTP, it sends neither credentials nor a final dot in Host', async (t) => {
  const bed = await makeBed(t);
  const seen = new Set<string>();
  const proxy = createServer(
    forwarding(bed.cluster, ({ headers }) => seen.add(`${headers.host} ${headers.authorization}`)),
  );
  const port = await listen(t, proxy);
  const server = `http://localhost.:${port}`;
  const kubeconfig = bed.cluster.kubeconfigFile({ namespace: NAMESPACE, server });

  await bed.startReady({ KUBECONFIG: kubeconfig, ...resolvingFinalDots() });
  await bed.watched();

  assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
  assert.deepEqual([...seen], [`localhost:${port} undefined`]);
});

test('C10: the final dot of the API server is in neither SNI nor Host, and the certificate fits', async (t) => {
  const bed = await makeBed(t);
  const root = await createRoot();
  const { chainPem: cert, keyPem: key } = await root.issueLeaf({ service: 'api', dnsNames: ['localhost'] });
  const names = new Set<string | undefined>();
  // As Go does, it refuses a name with a dot.
  const SNICallback = (name: string, done: (error: Error | null, context?: SecureContext) => void) => {
    names.add(name);
    if (name.endsWith('.')) done(new Error('a name with a dot'));
    else done(null, createSecureContext({ cert, key }));
  };
  const front = createTlsServer(
    { cert, key, SNICallback },
    forwarding(bed.cluster, ({ headers }) => names.add(headers.host)),
  );
  const port = await listen(t, front);
  const server = `https://localhost.:${port}`;
  const kubeconfig = bed.cluster.kubeconfigFile({ namespace: NAMESPACE, server, caPem: root.certPem });

  await bed.startReady({ KUBECONFIG: kubeconfig, ...resolvingFinalDots() });
  await bed.watched();

  assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
  assert.deepEqual([...names], ['localhost', `localhost:${port}`]);
});

test('C13: an API server by an address that is no URL is refused at the start, with a remedy', async (t) => {
  const bed = await makeBed(t);
  const server = 'https://[fe80::1%25eth0]:6443';

  const daemon = bed.start({ KUBECONFIG: bed.cluster.kubeconfigFile({ namespace: NAMESPACE, server }) });

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  assert.match(String(line['remedy']), /an IPv6 address only without a zone/);
  assert.equal((await daemon.exited).code, 1);
});

/** Lets a daemon resolve `localhost.` as a DNS server would: /etc/hosts has no name with a final dot. */
function resolvingFinalDots(): Record<string, string> {
  const hook = join(temporary(), 'resolve.cjs');
  writeFileSync(
    hook,
    `const dns = require('node:dns');
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.replace(/\\.$/, ''), ...rest);`,
  );
  return { NODE_OPTIONS: `--require ${hook}` };
}

async function listen(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return portOf(server);
}

/** What `kubectl proxy` does with a request: it puts its own credentials in. */
function forwarding(
  cluster: KubernetesDouble,
  onRequest: (message: IncomingMessage) => unknown,
): RequestListener {
  return (message, response) => {
    onRequest(message);
    const { host: _host, ...headers } = message.headers;
    forward(message, response, new URL(message.url ?? '/', cluster.url), {
      headers: { ...headers, authorization: `Bearer ${cluster.token}` },
      ca: cluster.caPem,
    });
  };
}
