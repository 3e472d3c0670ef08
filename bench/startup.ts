/**
 * What the daemon costs: npm run bench
 *
 * Starts the bundle, alone in a folder with no node_modules, against the embedded Consul and the Kubernetes double, and
 * prints the time from the start of the process to the first Secret, its memory after a minute idle, and the requests of
 * that minute. Each figure stands beside what Node itself needs on the same machine in the same run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedConsul, startEmbeddedConsul } from '../test/consul/embedded-consul.ts';
import { type KubernetesDouble, startKubernetesDouble } from '../test/kubernetes/index.ts';

const BUNDLE = 'dist/ambassador-consul-connector.js';
const STARTS = 7;
const IDLE_MS = 60_000;

interface Started {
  readonly pid: number;
  readonly firstWriteMs: number;
  stop(): Promise<void>;
}

async function startConnector(
  bundle: string,
  consul: EmbeddedConsul,
  kubernetes: KubernetesDouble,
): Promise<Started> {
  const written = kubernetes.writes('Secret');
  const started = performance.now();
  const child = spawn(process.execPath, [bundle], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      _CONSUL_PORT: String(consul.port),
      _HTTP_HOST: '127.0.0.1',
      _HTTP_PORT: '0',
      KUBECONFIG: kubernetes.kubeconfigFile({ namespace: 'ambassador' }),
    },
  });
  if (child.pid === undefined) throw new Error('the bundle did not start');
  while (kubernetes.writes('Secret') === written) {
    if (performance.now() - started > 10_000) throw new Error('no Secret within ten seconds');
    await sleep(1);
  }
  return {
    pid: child.pid,
    firstWriteMs: performance.now() - started,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** The floor: a Node process that does nothing, from its start to its exit. */
async function bareNodeMs(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - started;
}

async function bareNodeMiB(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await sleep(1_000);
  const rss = await rssMiB(child.pid ?? 0);
  child.kill('SIGKILL');
  return rss;
}

async function rssMiB(pid: number): Promise<number> {
  const [, kibibytes] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

/** User and system time so far, in milliseconds (proc(5): fields 14 and 15, in ticks of 10 ms). */
async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const bundle = join(folder, 'ambassador-consul-connector.js');
await copyFile(BUNDLE, bundle);
const consul = await startEmbeddedConsul();
const kubernetes = await startKubernetesDouble();
try {
  const starts: number[] = [];
  const floors: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    kubernetes.remove('Secret', 'ambassador', 'ambassador-consul-connect');
    floors.push(await bareNodeMs());
    const connector = await startConnector(bundle, consul, kubernetes);
    starts.push(connector.firstWriteMs);
    await connector.stop();
  }
  kubernetes.remove('Secret', 'ambassador', 'ambassador-consul-connect');
  const connector = await startConnector(bundle, consul, kubernetes);
  await sleep(2_000);
  const [toConsul, toKubernetes] = [consul.requests.length, kubernetes.requests.length];
  const cpu = await cpuMs(connector.pid);
  await sleep(IDLE_MS);
  const rows = [
    [
      'start to first Secret (median of 7)',
      `${median(starts).toFixed(0)} ms`,
      `${median(floors).toFixed(0)} ms`,
    ],
    [
      'memory after a minute idle',
      `${(await rssMiB(connector.pid)).toFixed(0)} MiB`,
      `${(await bareNodeMiB()).toFixed(0)} MiB`,
    ],
    ['requests to Consul in a minute idle', String(consul.requests.length - toConsul), '-'],
    ['requests to Kubernetes in a minute idle', String(kubernetes.requests.length - toKubernetes), '-'],
    ['CPU in a minute idle', `${(await cpuMs(connector.pid)) - cpu} ms`, '-'],
    ['size of the bundle', `${((await stat(bundle)).size / 1024).toFixed(0)} KiB`, '-'],
  ] as const;
  await connector.stop();
  const [cpuModel] = cpus();
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpuModel?.model}\n`,
  );
  console.log('| figure | connector | Node alone |\n| --- | --- | --- |');
  for (const [figure, value, floor] of rows) console.log(`| ${figure} | ${value} | ${floor} |`);
} finally {
  await consul.close();
  await kubernetes.close();
  await rm(folder, { recursive: true });
}
