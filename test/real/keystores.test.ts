import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDaemon } from '../e2e/support/daemon.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { startRealConsul } from '../fixtures/servers/real-consul.ts';
import { startSidecar } from '../fixtures/servers/sidecar.ts';

const PASSWORD = 'of the test';
const PROGRAM = fileURLToPath(new URL('java/Handshake.java', import.meta.url));
const DEADLINE_MS = 60_000;

const run = promisify(execFile);

test('Java connects to a real sidecar with keystore and truststore, before and after a rotation', async (t) => {
  const consul = await startRealConsul();
  t.after(() => consul.stop());
  const sidecar = await startSidecar(consul, 'quote');
  t.after(() => sidecar.stop());
  await consul.intend('allow', 'ambassador', 'quote');
  const directory = temporary();
  const publish = async () => {
    const env = {
      CONSUL_HTTP_ADDR: consul.url,
      _OUTPUT_DIR: directory,
      _OUTPUT_EXTRA_FILES: 'pkcs12',
      _OUTPUT_KEYSTORE_PASSWORD: PASSWORD,
    };
    const daemon = startDaemon(env, ['once']);
    assert.equal((await daemon.exited).code, 0, daemon.stdout);
  };
  const shakeHands = async () => {
    const args = [PROGRAM, directory, PASSWORD, String(sidecar.publicPort)];
    return (await run('java', args, { timeout: DEADLINE_MS })).stdout.trim();
  };

  await publish();
  assert.match(await shakeHands(), /^HTTP\/1\.1 200 from spiffe:\/\/.*\/svc\/quote$/);

  await consul.rotateRoot();
  await publish();
  assert.match(await shakeHands(), /^HTTP\/1\.1 200 from spiffe:\/\/.*\/svc\/quote$/);

  await consul.intend('deny', 'ambassador', 'quote');
  // Depends on whether Java still writes when the alert arrives.
  await assert.rejects(shakeHands(), /Exception: .*(bad_certificate|Broken pipe|reset)/);
});
