import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from './binaries.ts';
import { ask } from './http.ts';
import { freePort } from './ports.ts';
import { startProcess } from './process.ts';

/** One element of an instant vector. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A real Prometheus that scrapes, and evaluates its rules, once a second. */
export interface Prometheus {
  /** @throws Error with what Prometheus says of a query that it cannot answer */
  query(expression: string): Promise<readonly Sample[]>;
  /** The values of a label in the series that `selector` selects. */
  labelValues(label: string, selector: string): Promise<readonly string[]>;
  alerts(): Promise<readonly Alert[]>;
  stop(): Promise<void>;
}

/** `targets`: `host:port` by the name that becomes the label `instance`. `rules`: the text of a rule file. */
export async function startPrometheus(
  targets: Readonly<Record<string, string>>,
  rules = 'groups: []',
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'connectors',
        static_configs: Object.entries(targets).map(([instance, target]) => ({
          targets: [target],
          labels: { instance },
        })),
      },
    ],
  };
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config));
  await writeFile(join(folder, 'rules.yaml'), rules);
  const url = `http://127.0.0.1:${await freePort()}`;
  const server = await startProcess(binary('PROMETHEUS'), [
    `--config.file=${folder}/prometheus.yaml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${new URL(url).host}`,
    '--log.level=warn',
  ]);
  await server.waitUntil(async () => (await ask(`${url}/-/ready`)).status === 200);

  async function get<T>(path: string): Promise<T> {
    const { body } = await ask(`${url}/api/v1/${path}`);
    const answer: { status: string; data: T; error?: string } = JSON.parse(body);
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }

  return {
    async query(expression) {
      const { result } = await get<{ result: { metric: Sample['metric']; value: [number, string] }[] }>(
        `query?${new URLSearchParams({ query: expression })}`,
      );
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    labelValues: (label, selector) =>
      get(`label/${label}/values?${new URLSearchParams({ 'match[]': selector })}`),
    alerts: async () => (await get<{ alerts: Alert[] }>('alerts')).alerts,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
