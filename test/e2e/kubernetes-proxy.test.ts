import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { assertWorks, type Bed, makeBed } from './support/bed.ts';
import { changedKubeconfig } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

test('the proxy-url of a kubeconfig is the way to the API server', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t, { kubeconfig: { proxyUrl: proxy.url } });

  const daemon = await bed.startReady();
  await bed.watched();

  assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
  const server = new URL(bed.cluster.url).host;
  assert.deepEqual([...new Set(proxy.targets)], [server]);
  const { code } = await daemon.stop();
  assert.equal(code, 0);
});

test('a proxy that is not there is told as what cannot be reached, and it goes on', async (t) => {
  const bed = await makeBed(t, { kubeconfig: { proxyUrl: 'http://127.0.0.1:1' } });

  const daemon = bed.start();

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_UNREACHABLE');
  assert.match(String(line['error']), /ECONNREFUSED/);
  assert.ok(daemon.running);
});

test('a SOCKS proxy is refused at the start, with a remedy', async (t) => {
  const bed = await makeBed(t, { kubeconfig: { proxyUrl: 'socks5://127.0.0.1:1080' } });

  const daemon = bed.start();

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  assert.match(String(line['remedy']), /let its proxy-url name an HTTP proxy/);
  assert.equal((await daemon.exited).code, 1);
});

/** A name that only the proxy knows. */
const ELSEWHERE = 'kubernetes.example';

function elsewhere(bed: Bed): string {
  return changedKubeconfig(bed.kubeconfig, temporary(), ({ cluster }) => {
    cluster['server'] = `https://${ELSEWHERE}:${new URL(bed.cluster.url).port}`;
    cluster['tls-server-name'] = 'localhost';
  });
}

test('K10: HTTPS_PROXY is the way to the API server', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t);

  const daemon = bed.start({ KUBECONFIG: elsewhere(bed), HTTPS_PROXY: proxy.url });

  await daemon.ready();
  assert.ok(proxy.targets.every((target) => target.startsWith(`${ELSEWHERE}:`)));
});

test('K10: no proxy leads to what NO_PROXY lists', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t);

  const daemon = bed.start({ KUBECONFIG: elsewhere(bed), HTTPS_PROXY: proxy.url, NO_PROXY: '.example' });

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_UNREACHABLE');
  assert.match(String(line['error']), /ENOTFOUND|EAI_AGAIN/);
  assert.deepEqual(proxy.targets, []);
});

test('K10: no proxy leads to this machine', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t);

  await bed.startReady({ HTTPS_PROXY: proxy.url });

  assert.deepEqual(proxy.targets, []);
});

test('K10: a SOCKS proxy of the environment is refused at the start, with a remedy', async (t) => {
  const bed = await makeBed(t);

  const daemon = bed.start({ KUBECONFIG: elsewhere(bed), HTTPS_PROXY: 'socks5://127.0.0.1:1080' });

  const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
  assert.match(String(line['remedy']), /let HTTPS_PROXY name an HTTP proxy/);
  assert.equal((await daemon.exited).code, 1);
});

/** An HTTP proxy that leads wherever it is asked to, and what it was asked for. */
async function startProxy(t: TestContext): Promise<{ url: string; targets: readonly string[] }> {
  const targets: string[] = [];
  const proxy = createServer().on('connect', ({ url = '' }, client) => {
    targets.push(url);
    const [host, port] = url.split(':');
    const server = connect(Number(port), host === ELSEWHERE ? '127.0.0.1' : host, () => {
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
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { url: `http://127.0.0.1:${address.port}`, targets };
}
