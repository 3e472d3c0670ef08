import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { commonName } from '../fixtures/servers/common-name.ts';
import { startNginxOn } from '../fixtures/servers/gateway.ts';
import { ask } from '../fixtures/servers/http.ts';
import { startRealConsul } from '../fixtures/servers/real-consul.ts';
import { startSidecar } from '../fixtures/servers/sidecar.ts';

const WITHIN_MS = 60_000;
const PAUSE_MS = 20;
const ROTATIONS = 3;

test('a real nginx that is sent a signal after each write loses no request through three rotations of a real Consul', async (t) => {
  const consul = await startRealConsul();
  t.after(() => consul.stop());
  const sidecar = await startSidecar(consul, 'quote');
  t.after(() => sidecar.stop());
  await consul.intend('allow', 'ambassador', 'quote');
  const folder = await mkdtemp(join(tmpdir(), 'folder-reload-'));
  const directory = join(folder, 'out');
  const daemon = startDaemon({
    CONSUL_HTTP_ADDR: consul.url,
    _OUTPUT_DIR: directory,
    _OUTPUT_RELOAD_SIGNAL: 'HUP',
    _OUTPUT_RELOAD_PID_FILE: join(folder, 'nginx.pid'),
  });
  await daemon.ready();
  const tlsName = commonName((await consul.leaf('quote')).CertPEM);
  const nginx = await startNginxOn(directory, folder, [{ name: 'quote', port: sidecar.publicPort, tlsName }]);
  const end = new AbortController();
  const statuses: number[] = [];
  const load = (async () => {
    while (!end.signal.aborted) {
      statuses.push((await ask(`http://127.0.0.1:${nginx.port}/quote`)).status);
      await sleep(PAUSE_MS);
    }
  })();
  const tells = () => daemon.logs.filter(({ msg }) => msg === 'told the gateway to reload the files').length;

  for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
    const [before, leaf] = [tells(), (await consul.leaf('ambassador')).SerialNumber];
    await consul.rotateRoot();
    await eventually(
      'the new leaf',
      async () => (await consul.leaf('ambassador')).SerialNumber !== leaf,
      WITHIN_MS,
    );
    await eventually('the reload', () => tells() > before, WITHIN_MS);
    await sleep(1_000);
  }
  end.abort();
  await load;
  await nginx.stop();
  await daemon.stop();
  await rm(folder, { recursive: true, force: true });

  assert.ok(statuses.length > 50, `${statuses.length} requests`);
  assert.deepEqual(
    statuses.filter((status) => status !== 200),
    [],
  );
  const reconfigured = nginx.output().match(/signal 1 \(SIGHUP\) received from \d+, reconfiguring/g) ?? [];
  assert.ok(reconfigured.length >= ROTATIONS, `${reconfigured.length} reloads of nginx`);
});
