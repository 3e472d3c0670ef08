import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { assertWorks, makeBed } from './support/bed.ts';

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

/** An HTTP proxy that leads wherever it is asked to, and what it was asked for. */
async function startProxy(t: TestContext): Promise<{ url: string; targets: readonly string[] }> {
  const targets: string[] = [];
  const proxy = createServer().on('connect', ({ url = '' }, client) => {
    targets.push(url);
    const [host, port] = url.split(':');
    const server = connect(Number(port), host, () => {
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
