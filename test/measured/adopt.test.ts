import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad, through } from '../../bench/proof/load.ts';
import { environmentOf, startSubject } from '../../bench/proof/subject.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { commonName } from '../fixtures/servers/common-name.ts';
import { startHaproxy, startNginx } from '../fixtures/servers/gateway.ts';
import { startReloader } from '../fixtures/servers/reloader.ts';
import { startSidecar } from '../fixtures/servers/sidecar.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from '../real/world.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const world = useWorld();

test('a Secret of the old program is adopted under load: no request fails, no gateway is reloaded, the old key is gone', async (t) => {
  const sidecar = await startSidecar(world.consul, 'quote');
  t.after(() => sidecar.stop());
  await world.consul.intend('allow', 'ambassador', 'quote');
  const old = startSubject('old', await environmentOf('old', world));
  t.after(() => old.kill());
  const reloader = startReloader(world.kubernetes, NAMESPACE, SECRET);
  t.after(() => reloader.stop());
  const first = await eventually(
    () => `a Secret of the old program: ${old.output()}`,
    () => reloader.files(),
  );
  await old.kill();
  const tlsName = commonName((await world.consul.leaf('quote')).CertPEM);
  const upstreams = [{ name: 'quote', port: sidecar.publicPort, tlsName }];
  const nginx = await startNginx(upstreams, first);
  t.after(() => nginx.stop());
  const haproxy = await startHaproxy(upstreams, first);
  t.after(() => haproxy.stop());
  reloader.serve('nginx', nginx, first);
  reloader.serve('haproxy', haproxy, first);
  const targets = [through('nginx', nginx.port, 'quote'), through('haproxy', haproxy.port, 'quote')];
  const load = startLoad(targets, 20, 60);
  t.after(() => load.stop());
  await sleep(2_000);
  const before = await world.show('secret', SECRET);
  assert.ok(before?.metadata.annotations[LAST_APPLIED]?.includes('tls.key'), 'kubectl left the old key');

  await (await world.startDaemon(t)).ready();
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
  assert.ok(after?.metadata.annotations[`${SERVICE}/spiffe-id`]);
  assert.equal(after?.metadata.labels['app.kubernetes.io/managed-by'], SERVICE);
});
