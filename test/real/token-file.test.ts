import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { makeKubeconfig } from '../fixtures/servers/kubectl.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const RECOVERS_WITHIN_MS = 75_000;

const world = useWorld();
const folder = temporary();
const tokenFile = join(folder, 'token');

async function writeToken(): Promise<void> {
  await writeFile(tokenFile, await world.kubernetes.tokenFor(NAMESPACE, SERVICE));
}

/** A kubeconfig with a token file, as in a Pod. */
async function kubeconfig(): Promise<string> {
  const { url, caPem } = world.kubernetes;
  const config = JSON.parse(makeKubeconfig({ url, caPem, namespace: NAMESPACE, token: '' }));
  config.users[0].user = { tokenFile, 'token-file': tokenFile };
  const path = join(folder, 'kubeconfig');
  await writeFile(path, JSON.stringify(config));
  return path;
}

test('28: ServiceAccount token file replaced, absent for a moment, no longer accepted (401): recovers without a restart', async (t) => {
  await writeToken();
  const daemon = await world.startDaemon(t, { KUBECONFIG: await kubeconfig() });
  await daemon.ready(30_000);

  // The tokens of a ServiceAccount end with it, and those of its successor are others.
  await world.kubectl(['delete', 'serviceaccount', SERVICE]);
  await unlink(tokenFile);
  await world.kubectl(['delete', 'secret', SECRET]);
  // Open watches go on; a restart of the API server cuts them.
  await world.kubernetes.stopApiServer();
  await world.kubernetes.startApiServer();
  const rejected = ['KUBERNETES_CONFIGURATION', 'KUBERNETES_UNAUTHORIZED'];
  await daemon.line(
    ({ msg, code }) => msg === 'watch failed, restarting' && rejected.includes(String(code)),
    RECOVERS_WITHIN_MS,
  );
  await world.kubectl(['create', 'serviceaccount', SERVICE]);
  await writeToken();

  await eventually('the Secret is back', () => world.show('secret', SECRET), RECOVERS_WITHIN_MS);
  await daemon.ready(RECOVERS_WITHIN_MS);
});
