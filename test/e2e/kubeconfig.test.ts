import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { portOf } from '../fixtures/consul/port-of.ts';
import { assertWorks, type Bed, makeBed } from './support/bed.ts';
import { changedKubeconfig } from './support/hanging.ts';
import { check } from './support/report.ts';
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

/** A name that only the proxy resolves. */
const ELSEWHERE = 'kubernetes.example';

function elsewhere(bed: Bed): string {
  return changedKubeconfig(bed.kubeconfig, temporary(), ({ cluster }) => {
    cluster['server'] = `https://${ELSEWHERE}:${new URL(bed.cluster.url).port}`;
    cluster['tls-server-name'] = 'localhost';
  });
}

test('K10: HTTPS_PROXY is the way to the API server, and a path in it is ignored', async (t) => {
  const proxy = await startProxy(t);
  const bed = await makeBed(t);

  const daemon = bed.start({ KUBECONFIG: elsewhere(bed), HTTPS_PROXY: `${proxy.url}/ignored` });

  await daemon.ready();
  assert.ok(proxy.targets.every((target) => target.startsWith(`${ELSEWHERE}:`)));
});

for (const [what, proxyUrl, env] of [
  ['proxy-url', 'socks5://127.0.0.1:1080', {}],
  ['HTTPS_PROXY', undefined, { HTTPS_PROXY: 'socks5://127.0.0.1:1080' }],
] as const) {
  test(`K10: a SOCKS proxy as ${what} is refused at the start, with a remedy`, async (t) => {
    const bed = await makeBed(t, { kubeconfig: proxyUrl === undefined ? {} : { proxyUrl } });

    const daemon = bed.start({ KUBECONFIG: elsewhere(bed), ...env });

    const line = await daemon.line(({ code }) => code === 'KUBERNETES_CONFIGURATION');
    assert.match(String(line['remedy']), new RegExp(`set (?:its )?${what} to an HTTP proxy`));
    assert.equal((await daemon.exited).code, 1);
  });
}

/** An HTTP proxy to any target, and the targets that were requested. */
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
  return { url: `http://127.0.0.1:${portOf(proxy)}`, targets };
}

for (const name of ['oidc', 'azure', 'gcp']) {
  test(`S9: a kubeconfig with the auth-provider ${name} is refused with what to use instead`, async (t) => {
    const bed = await makeBed(t);
    const KUBECONFIG = changedKubeconfig(bed.kubeconfig, temporary(), ({ user }) => {
      delete user['token'];
      user['auth-provider'] = { name, config: { 'id-token': 'an-id-token' } };
    });

    const { firstFail } = await check(bed, { KUBECONFIG });
    const { remedy } = await bed
      .start({ KUBECONFIG })
      .line(({ code }) => code === 'KUBERNETES_CONFIGURATION');

    assert.equal(firstFail?.check, 'kubernetes');
    assert.equal(firstFail.detail, `the auth-provider ${name} of the kubeconfig is not supported`);
    assert.match(firstFail.remedy ?? '', /users/);
    assert.match(String(remedy), /kubelogin/);
  });
}
