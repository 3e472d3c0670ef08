/**
 * The daemon from source, restarted on every change, against the cluster of your kubeconfig or into the folder
 * _OUTPUT_DIR: `npm run dev`.
 *
 * Uses the Consul at _CONSUL_HOST:_CONSUL_PORT. If none answers, and the host is this machine, starts a development Consul there.
 * Reads `.env`, if there is one; the environment takes precedence.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { readConfig } from '../src/config/config.ts';
import { type ConsulAccess, serverUrl } from '../src/consul/endpoint.ts';
import { ConfigurationError, ConnectorError } from '../src/errors.ts';
import { loadKubeConfig } from '../src/publish/kubernetes/api/kubeconfig.ts';
import { httpRequest } from '../test/fixtures/servers/http.ts';
import { type DevConsul, startDevConsul } from './demo/dev-consul.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const TSX = fileURLToPath(import.meta.resolve('tsx/cli'));
const THIS_MACHINE = ['127.0.0.1', 'localhost', '::1'];
const LEAF_TTL_MS = 10 * 60_000;
const LEAF_DELAY_MS = 3_000;

const { values: options } = parseArgs({
  options: { context: { type: 'string' }, embedded: { type: 'boolean', default: false } },
});
// Not `exitCode`: Node removes its signal handlers before it exits, so a further Ctrl-C would kill it.
process.exit(await dev());

async function dev(): Promise<number> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  let consul: DevConsul | undefined;
  try {
    const config = readConfig(process.env);
    if (!(await mayPublishTo(config.outputDirectory))) return 1;
    consul = await consulForDevelopment(config.consul);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return 2;
  }
  try {
    return await runDaemon();
  } finally {
    await consul?.stop();
  }
}

async function mayPublishTo(outputDirectory: string | undefined): Promise<boolean> {
  if (outputDirectory !== undefined) {
    console.log(`Folder   ${outputDirectory}`);
    return true;
  }
  try {
    return mayWriteTo(await loadKubeConfig());
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const hint =
      'Without a cluster, publish into a folder with _OUTPUT_DIR, or see it work with:  npm run demo';
    console.error(`${error.message}.\n${hint}`);
    return false;
  }
}

/** A development identity would replace that of a working gateway, so a remote cluster must be named explicitly. */
function mayWriteTo(kubeConfig: KubeConfig): boolean {
  const server = kubeConfig.getCurrentCluster()?.server ?? '';
  const context = kubeConfig.getCurrentContext();
  const namespace = kubeConfig.getContextObject(context)?.namespace ?? 'default';
  console.log(`Cluster  ${server}, context ${context}, namespace ${namespace}`);
  const host = new URL(server).hostname.replace(/^\[|\]$/g, '');
  if (THIS_MACHINE.includes(host) || options.context === context) return true;
  console.error(
    `This writes a Secret and a Service there, over those of a gateway that may be at work.
If that is what you want:  npm run dev -- --context ${context}`,
  );
  return false;
}

async function consulForDevelopment({ servers, tls }: ConsulAccess): Promise<DevConsul | undefined> {
  const [server] = servers;
  if (server === undefined || 'socketPath' in server) return undefined;
  const { host, port } = server;
  const url = serverUrl(server, tls);
  const answers = await httpRequest(`${url}/v1/status/leader`, { timeout: 2_000 }).then(
    () => true,
    () => false,
  );
  if (answers || !THIS_MACHINE.includes(host)) {
    console.log(`Consul   ${url}${answers ? '' : ', which does not answer now'}`);
    return undefined;
  }
  const consul = await startDevConsul({
    port,
    leafTtlMs: LEAF_TTL_MS,
    leafDelayMs: LEAF_DELAY_MS,
    embedded: options.embedded,
  });
  console.log(`Consul   ${url}, ${consul.description}`);
  return consul;
}

async function runDaemon(): Promise<number> {
  // In its own process group, because a second Ctrl-C makes `tsx watch` kill the daemon while it stops.
  const watcher = spawn(process.execPath, [TSX, 'watch', '--clear-screen=false', MAIN], {
    env: { ...process.env, _HTTP_HOST: process.env['_HTTP_HOST'] || '127.0.0.1' },
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: true,
  });
  watcher.stdin.on('error', () => undefined);
  // Return restarts the daemon.
  process.stdin.pipe(watcher.stdin);
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stopping) watcher.kill('SIGTERM');
      stopping = true;
    });
  }
  await once(watcher, 'exit');
  return 0;
}
