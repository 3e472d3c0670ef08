import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

/** The third retry comes at most 7 s after the first failure. */
const RECOVERS_WITHIN_MS = 60_000;

describe('23, 28: An outage ends by itself, and a change that came meanwhile is published:', {
  concurrency: 2,
}, () => {
  test('of Consul at the start', async (t) => {
    const bed = await makeBed(t);
    await bed.consul.stop();
    const daemon = bed.start();
    const { remedy } = await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');
    assert.match(String(remedy), /set _CONSUL_HOST and _CONSUL_PORT to where it listens/);
    await daemon.unready(/nothing is published yet[\s\S]*roots: Consul at/);

    await bed.consul.start();

    await daemon.ready(RECOVERS_WITHIN_MS);
  });

  test('of both at the start, and each is named', async (t) => {
    const bed = await makeBed(t);
    await Promise.all([bed.consul.stop(), bed.cluster.stop()]);
    const daemon = bed.start();
    await daemon.unready(/the API server at .* cannot be reached[\s\S]*roots: Consul at/);

    await Promise.all([bed.consul.start(), bed.cluster.start()]);

    await daemon.ready(RECOVERS_WITHIN_MS);
  });

  test('of Consul while running leaves the daemon ready and says so', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();

    await bed.consul.stop();

    await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');
    const { status, text } = await daemon.get('/readyz');
    assert.equal(status, 200);
    assert.match(text, /^ok\n.*Consul at .* cannot be reached/);
  });

  test('of the API server is no reason any more once it is over, while the leaf is still missing', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('leaf', () => 'hang');
    await bed.cluster.stop();
    const daemon = bed.start();
    await daemon.unready(/the API server at .* cannot be reached/);

    await bed.cluster.start();

    const isSilent = async () => !(await daemon.get('/readyz')).text.includes('API server');
    await eventually('only the leaf is missing', isSilent, RECOVERS_WITHIN_MS);
  });

  test('of the credentials, when the token file comes later than the new token', async (t) => {
    const bed = await makeBed(t, { kubeconfig: { credentials: 'token-file' } });
    const daemon = await bed.startReady();
    bed.cluster.rotateToken('keep');
    bed.cluster.watches.cut();
    bed.cluster.remove('Secret', NAMESPACE, SECRET);
    await daemon.line(({ code }) => code === 'KUBERNETES_UNAUTHORIZED');

    bed.cluster.writeTokenFiles();

    await eventually('the Secret is back', () => bed.secret() !== undefined, RECOVERS_WITHIN_MS);
  });
});
