import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad, through } from '../../bench/proof/load.ts';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { commonName } from '../fixtures/servers/common-name.ts';
import { startNginxOn } from '../fixtures/servers/gateway.ts';
import { startRealConsul } from '../fixtures/servers/real-consul.ts';
import { startSidecar } from '../fixtures/servers/sidecar.ts';

const ROTATIONS = 3;

test('a real nginx that gets a signal after each write loses no request in three rotations of a real Consul', async (t) => {
  const consul = await startRealConsul();
  t.after(() => consul.stop());
  const sidecar = await startSidecar(consul, 'quote');
  t.after(() => sidecar.stop());
  await consul.intend('allow', 'ambassador', 'quote');
  const folder = temporary();
  const directory = join(folder, 'out');
  const daemon = startDaemon({
    CONSUL_HTTP_ADDR: consul.url,
    _OUTPUT_DIR: directory,
    _OUTPUT_RELOAD_SIGNAL: 'HUP',
    _OUTPUT_RELOAD_PID_FILE: join(folder, 'nginx.pid'),
  });
  t.after(() => daemon.stop());
  await daemon.ready();
  const tlsName = commonName((await consul.leaf('quote')).CertPEM);
  const nginx = await startNginxOn(directory, folder, [{ name: 'quote', port: sidecar.publicPort, tlsName }]);
  t.after(() => nginx.stop());
  const load = startLoad([through('nginx', nginx.port, 'quote')], 20, 300);
  t.after(() => load.stop());
  const reloads = () =>
    nginx.output().match(/signal 1 \(SIGHUP\) received from \d+, reconfiguring/g)?.length ?? 0;

  for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
    const [before, leaf] = [reloads(), (await consul.leaf('ambassador')).SerialNumber];
    await consul.rotateRoot();
    const isNew = async () => (await consul.leaf('ambassador')).SerialNumber !== leaf;
    await eventually('the new leaf', isNew);
    await eventually('the reload', () => reloads() > before);
    await sleep(1_000);
  }
  await load.stop();

  assert.ok(load.samples.length > 50, `${load.samples.length} requests`);
  assert.deepEqual(
    load.samples.filter(({ failure }) => failure !== undefined),
    [],
  );
});
