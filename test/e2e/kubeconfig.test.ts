import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createSecureContext, type SecureContext } from 'node:tls';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { portOf } from '../fixtures/consul/port-of.ts';
import type { KubernetesDouble } from '../fixtures/kubernetes/index.ts';
import { forward } from '../fixtures/servers/forward.ts';
import { assertWorks, type Bed, makeBed, NAMESPACE } from './support/bed.ts';
import { changedKubeconfig } from './support/hanging.ts';
import { check } from './support/report.ts';
import { temporary } from './support/temporary.ts';

/** A name that only the proxy resolves. */
const NAME = 'kubernetes.example';
const SOCKS = 'socks5://127.0.0.1:1080';

test('K10: the API server is reached through the proxy-url of the kubeconfig, or through HTTPS_PROXY, whose path is ignored', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t, { kubeconfig: { proxyUrl: proxy.url } });
  const { host, port } = new URL(bed.cluster.url);

  const daemon = await bed.startReady();
  await bed.watched();

  assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
  assert.deepEqual([...new Set(proxy.targets)], [host]);
  assert.equal((await daemon.stop()).code, 0);

  const before = proxy.targets.length;
  const KUBECONFIG = changedKubeconfig(bed.kubeconfig, ({ cluster }) => {
    delete cluster['proxy-url'];
    cluster['server'] = `https://${NAME}:${port}`;
    cluster['tls-server-name'] = 'localhost';
  });
  await bed.startReady({ KUBECONFIG, HTTPS_PROXY: `${proxy.url}/ignored` });
  assert.deepEqual([...new Set(proxy.targets.slice(before))], [`${NAME}:${port}`]);
});

describe('a kubeconfig that is rejected, with a remedy:', { concurrency: 2 }, () => {
  for (const [what, changed, env, remedy] of [
    [
      'C13: the address of a server with a zone',
      { server: 'https://[fe80::1%25eth0]:6443' },
      {},
      /an IPv6 address only without a zone/,
    ],
    ['K10: a SOCKS proxy-url', { 'proxy-url': SOCKS }, {}, /set its proxy-url to an HTTP proxy/],
    [
      'K10: a SOCKS proxy in HTTPS_PROXY',
      { server: `https://${NAME}:6443` },
      { HTTPS_PROXY: SOCKS },
      /set HTTPS_PROXY to an HTTP proxy/,
    ],
  ] as const) {
    test(what, async (t) => {
      const bed = await makeBed(t);
      const KUBECONFIG = changedKubeconfig(bed.kubeconfig, ({ cluster }) => {
        Object.assign(cluster, changed);
      });

      const daemon = bed.start({ KUBECONFIG, ...env });

      const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
      assert.match(String(line['remedy']), remedy);
      assert.equal((await daemon.exited).code, 1);
    });
  }

  for (const name of ['oidc', 'azure', 'gcp']) {
    test(`S9: the auth-provider ${name}`, async (t) => {
      const bed = await makeBed(t);
      const KUBECONFIG = changedKubeconfig(bed.kubeconfig, ({ user }) => {
        delete user['token'];
        user['auth-provider'] = { name, config: { 'id-token': 'an-id-token' } };
      });

      const daemon = bed.start({ KUBECONFIG });
      const { firstFail } = await check(bed, { KUBECONFIG });

      const { remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
      assert.match(String(remedy), /kubelogin/);
      assert.equal(firstFail?.check, 'kubernetes');
      assert.equal(firstFail.detail, `the auth-provider ${name} of the kubeconfig is not supported`);
      assert.match(firstFail.remedy ?? '', /users/);
    });
  }
});

test('K8, C10: through `kubectl proxy`, which is plain HTTP, neither credentials nor a final dot in Host are sent', async (t) => {
  const bed = await makeBed(t);
  const seen = new Set<string>();
  const proxy = createServer(
    forwarding(bed.cluster, ({ headers }) => seen.add(`${headers.host} ${headers.authorization}`)),
  );
  const port = await listen(t, proxy);

  await publishesTo(bed, { server: `http://localhost.:${port}` });

  assert.deepEqual([...seen], [`localhost:${port} undefined`]);
});

test('C10: the final dot of the API server is in neither SNI nor Host, and the certificate is valid', async (t) => {
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

  await publishesTo(bed, { server: `https://localhost.:${port}`, caPem: root.certPem });

  assert.deepEqual([...names], ['localhost', `localhost:${port}`]);
});

/** A daemon publishes to, and watches, an API server with a final dot in its name. */
async function publishesTo(bed: Bed, server: { server: string; caPem?: string }): Promise<void> {
  const KUBECONFIG = bed.cluster.kubeconfigFile({ namespace: NAMESPACE, ...server });
  await bed.startReady({ KUBECONFIG, ...resolvingFinalDots() });
  await bed.watched();
  assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
}

/** Resolves `localhost.` as a DNS server would: /etc/hosts has no name with a final dot. */
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

/** An HTTP proxy to any target, and the targets that were requested. */
async function startProxy(t: TestContext): Promise<{ url: string; targets: readonly string[] }> {
  const targets: string[] = [];
  const proxy = createServer().on('connect', ({ url = '' }, client) => {
    targets.push(url);
    const [host, port] = url.split(':');
    const server = connect(Number(port), host === NAME ? '127.0.0.1' : host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client);
      client.pipe(server);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  return { url: `http://127.0.0.1:${await listen(t, proxy)}`, targets };
}

/** Forwards requests with credentials of its own, as `kubectl proxy` does. */
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

async function listen(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return portOf(server);
}
