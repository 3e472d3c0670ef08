import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const RECOVERS_WITHIN_MS = 75_000;

const world = useWorld();
const folder = temporary();
const tokenFile = join(folder, 'token');

async function writeToken(): Promise<void> {
  await writeFile(tokenFile, await world.kubernetes.tokenFor(NAMESPACE, SERVICE));
}

/** A kubeconfig in which the token is a file's, as it is in a Pod. */
async function kubeconfig(): Promise<string> {
  const path = join(folder, 'kubeconfig');
  const cluster = { server: world.kubernetes.url, 'certificate-authority': world.kubernetes.caFile };
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { tokenFile, 'token-file': tokenFile } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: NAMESPACE } }],
      'current-context': 'test',
    }),
  );
  return path;
}

test('28: ServiceAccount token file replaced, absent for a moment, no longer accepted (401): recovers without a restart', async () => {
  await writeToken();
  const daemon = startDaemon({ ...(await world.environment()), KUBECONFIG: await kubeconfig() });
  try {
    await daemon.ready(30_000);

    // The tokens of a ServiceAccount end with it, those of its successor are others.
    await world.kubectl(['delete', 'serviceaccount', SERVICE]);
    await unlink(tokenFile);
    await world.kubectl(['delete', 'secret', SECRET]);
    // Watches that are open go on; a restart of the API server cuts them.
    await world.kubernetes.stopApiServer();
    await world.kubernetes.startApiServer();
    await daemon.line(
      ({ msg, code }) =>
        msg === 'watch failed, restarting' &&
        (code === 'KUBERNETES_CONFIGURATION' || code === 'KUBERNETES_UNAUTHORIZED'),
      RECOVERS_WITHIN_MS,
    );
    await world.kubectl(['create', 'serviceaccount', SERVICE]);
    await writeToken();

    await eventually('the Secret is back', () => world.show('secret', SECRET), RECOVERS_WITHIN_MS);
    await daemon.ready(RECOVERS_WITHIN_MS);
  } finally {
    await daemon.stop();
  }
});
