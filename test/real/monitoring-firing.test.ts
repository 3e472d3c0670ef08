import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from '../e2e/support/bed.ts';
import type { Daemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { withAge } from '../fixtures/consul/answer.ts';
import type { EmbeddedConsulOptions } from '../fixtures/consul/embedded-consul.ts';
import { type Alert, startPrometheus } from '../fixtures/servers/prometheus.ts';
import { breakKey } from './monitoring/break-key.ts';
import { alertRules, rulesText } from './monitoring/files.ts';

const LEAF_LIVES_MS = 10_000;
const DAY = 86_400_000;

/** A fault of one connector. */
interface Fault {
  /** The alerts that must fire, without the common part of their names. */
  readonly alerts: readonly string[];
  readonly consul?: EmbeddedConsulOptions;
  /** Before the connector starts. */
  readonly prepare?: (bed: Bed) => void;
  /** Once Prometheus has seen the connector. */
  readonly inject?: (bed: Bed, daemon: Daemon) => unknown;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  // Checked first: a Consul that hangs fails too, but only after half a minute.
  'Consul goes away': { alerts: ['ConsulFails'], inject: ({ consul }) => consul.stop() },
  'the agent has lost its servers': { alerts: ['ConsulFails', 'RootsOutdated'], prepare: answerOfAnHourAgo },
  'Consul hangs from the start': {
    alerts: ['NothingPublished'],
    prepare: ({ consul }) => consul.script('any', () => 'hang'),
  },
  'a key is broken': { alerts: ['CandidateRejected'], inject: breakKey },
  'a leaf expires': {
    alerts: ['CandidateRejected', 'LeafExpires', 'LeafNotRenewed', 'NothingPublished'],
    prepare: giveOneLeafOnly,
  },
  'a right is missing': {
    alerts: ['KubernetesFails', 'NotReady'],
    inject({ cluster }) {
      cluster.deny({ verb: 'patch', resource: 'services' });
      cluster.edit('Service', NAMESPACE, SERVICE, ({ metadata }) => delete metadata.annotations);
    },
  },
  'another writer': { alerts: ['ConflictingWriter'], inject: editUntilPutOff },
  'the process ends': { alerts: ['Down'], inject: (_bed, daemon) => daemon.stop() },
  'another Consul': {
    alerts: ['TrustDomainChanged'],
    inject: ({ consul }) => consul.restart({ keepCa: false }),
  },
  'the root is about to expire': {
    alerts: ['CaExpires'],
    consul: {
      rootValidity: { notBefore: new Date(Date.now() - 30 * DAY), notAfter: new Date(Date.now() + DAY) },
    },
  },
  'no fault': { alerts: [] },
};

function giveOneLeafOnly({ consul }: Bed): void {
  let given = false;
  consul.setLeafTtl(LEAF_LIVES_MS);
  consul.script('leaf', () => {
    if (given) return 'hang';
    given = true;
    return undefined;
  });
}

function answerOfAnHourAgo({ consul }: Bed): void {
  let isFirst = true;
  consul.script('roots', async (_request, truth) => {
    const answer = await truth.now();
    if (!isFirst) return withAge(answer, 3_600);
    isFirst = false;
    return answer;
  });
}

function editUntilPutOff({ cluster }: Bed, daemon: Daemon): Promise<unknown> {
  return eventually('a write is put off', async () => {
    cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => delete metadata.labels);
    return (await daemon.metric('rate_limited_writes_total ')) > 0;
  });
}

test('a Prometheus that scrapes connectors with different faults fires each alert for the right ones', async (t) => {
  const connectors = await Promise.all(
    Object.entries(FAULTS).map(async ([name, { alerts, consul, prepare, inject }]) => {
      const bed = await makeBed(t, consul === undefined ? {} : { consul });
      prepare?.(bed);
      const daemon = bed.start();
      const { port } = await daemon.line('serving status');
      return { name, alerts, bed, daemon, inject, target: `127.0.0.1:${port}` };
    }),
  );
  // With such a short `for`, a moment between a new root and its leaf would fire as long as it is the maximum.
  const atOnce = rulesText()
    .replaceAll(/^( +for:) .*$/gm, '$1 2s')
    .replaceAll(/(max_over_time\(\w+)\[5m\]/g, '$1[5s]');
  const prometheus = await startPrometheus(
    Object.fromEntries(connectors.map(({ name, target }) => [name, target])),
    atOnce,
  );
  t.after(() => prometheus.stop());
  const fired: Alert[] = [];

  /** Resolves when the alert fires for exactly these instances. */
  async function assertFires(alert: string, instances: readonly string[]): Promise<void> {
    let now: readonly Alert[] = [];
    const fires = async () => {
      const all = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
      now = all.filter(({ labels }) => labels['alertname'] === `ConsulConnector${alert}`);
      const found = now.map(({ labels }) => labels['instance'] ?? '');
      return isDeepStrictEqual(found.sort(), [...instances].sort());
    };
    const what = () => `${alert} fires for ${instances}, and not for ${JSON.stringify(now)}`;
    await eventually(what, fires);
    fired.push(...now);
  }

  await eventually(
    'each is scraped twice',
    async () => (await prometheus.query('count_over_time(up[5m]) >= 2')).length === connectors.length,
  );
  await Promise.all(connectors.map(({ bed, daemon, inject }) => inject?.(bed, daemon)));

  for (const alert of new Set(connectors.flatMap(({ alerts }) => alerts))) {
    const faulty = connectors.filter(({ alerts }) => alerts.includes(alert));
    await assertFires(
      alert,
      faulty.map(({ name }) => name),
    );
  }
  await assertFires('WritesTooOften', ['']);
  await Promise.all(connectors.map(({ daemon }) => daemon.running && daemon.stop()));
  await assertFires('Absent', ['']);

  const names = new Set(fired.map(({ labels }) => labels['alertname']));
  assert.deepEqual(names, new Set(alertRules().map(({ alert }) => alert)));
  for (const { annotations } of fired)
    assert.doesNotMatch(JSON.stringify(annotations), /no value|error expanding|\{\{/);
});
