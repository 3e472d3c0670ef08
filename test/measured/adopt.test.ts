import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { commonName } from '../fixtures/servers/common-name.ts';
import { startHaproxy, startNginx } from '../fixtures/servers/gateway.ts';
import { ask } from '../fixtures/servers/http.ts';
import { startReloader } from '../fixtures/servers/reloader.ts';
import { startSidecar } from '../fixtures/servers/sidecar.ts';
import { checkAnswer } from '../real/proof/answer.ts';
import { startLoad } from '../real/proof/load.ts';
import { environmentOf, startSubject } from '../real/proof/subject.ts';
import { NAMESPACE, SECRET, useWorld } from '../real/world.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const world = useWorld();

test('a Secret of the old program is taken over under load: no request fails, no gateway is reloaded, the old key is gone', async () => {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const sidecar = await startSidecar(world.consul, 'quote');
    await world.consul.intend('allow', 'ambassador', 'quote');
    stops.push(() => sidecar.stop());
    const old = startSubject('old', await environmentOf('old', world));
    stops.push(() => old.kill());
    const reloader = startReloader(world.kubernetes, NAMESPACE, SECRET);
    stops.push(() => reloader.stop());
    const first = await eventually(
      () => `a Secret of the old program: ${old.output()}`,
      () => reloader.files(),
      30_000,
    );
    await old.kill();
    const { CertPEM } = await world.consul.leaf('quote');
    const tlsName = commonName(CertPEM);
    const upstreams = [{ name: 'quote', port: sidecar.publicPort, tlsName }];
    const nginx = await startNginx(upstreams, first);
    stops.push(() => nginx.stop());
    const haproxy = await startHaproxy(upstreams, first);
    stops.push(() => haproxy.stop());
    reloader.serve('nginx', nginx, first);
    reloader.serve('haproxy', haproxy, first);
    const through = async (port: number) => checkAnswer(await ask(`http://127.0.0.1:${port}/quote`), 'quote');
    const load = startLoad(
      [
        { client: 'nginx', service: 'quote', send: () => through(nginx.port) },
        { client: 'haproxy', service: 'quote', send: () => through(haproxy.port) },
      ],
      { requestsPerSecond: 20, mostSeconds: 60 },
    );
    stops.push(() => load.stop());
    await sleep(2_000);
    const before = await world.show('secret', SECRET);
    assert.ok(before?.metadata.annotations[LAST_APPLIED]?.includes('tls.key'), 'kubectl left the old key');

    const daemon = startDaemon(await world.environment());
    stops.push(() => daemon.stop());
    await daemon.ready();
    await sleep(5_000);
    await load.stop();

    const after = await world.show('secret', SECRET);
    assert.deepEqual(
      load.samples.filter(({ failure }) => failure !== undefined),
      [],
    );
    assert.ok(load.samples.length > 200, `${load.samples.length} requests were sent`);
    assert.deepEqual(reloader.reloads, []);
    for (const key of ['tls.crt', 'tls.key']) assert.equal(after?.data[key], before?.data[key], key);
    assert.ok(after?.data['ca.crt'], 'ca.crt');
    assert.equal(after?.metadata.annotations[LAST_APPLIED], undefined);
    assert.ok(after?.metadata.annotations['ambassador-consul-connector/spiffe-id']);
    assert.equal(after?.metadata.labels['app.kubernetes.io/managed-by'], 'ambassador-consul-connector');
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
});
