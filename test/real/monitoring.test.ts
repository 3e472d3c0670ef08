import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { makeBed } from '../e2e/support/bed.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { binary } from '../fixtures/servers/binaries.ts';
import { startPrometheus } from '../fixtures/servers/prometheus.ts';
import { yamlBlocks } from '../unit/docs/pages.ts';
import { kustomize } from './manifests.ts';
import { breakKey } from './monitoring/break-key.ts';
import { alertRules, dashboard, queries, substitute } from './monitoring/files.ts';

/** Filled later in the test. */
const EMPTY_AT_FIRST = ['Rejected answers'];
const promtool = (args: readonly string[], input = ''): string =>
  execFileSync(binary('PROMTOOL'), args, { encoding: 'utf8', input, stdio: 'pipe' });

test('promtool accepts the scrape configuration of the docs', () => {
  const config = yamlBlocks('docs/monitoring.md').find((block) => block.startsWith('scrape_configs:'));
  const [{ kubernetes_sd_configs: pods, ...scrape }] = parse(config ?? '').scrape_configs;
  const file = join(temporary(), 'prometheus.yaml');
  // Debian builds promtool without the discovery by Kubernetes.
  writeFileSync(file, JSON.stringify({ scrape_configs: [scrape] }));

  assert.deepEqual(pods, [{ role: 'pod', namespaces: { names: ['ambassador'] } }]);
  assert.match(promtool(['check', 'config', '--syntax-only', file]), /SUCCESS/);
});

test('kubectl builds a ConfigMap with the dashboard', async () => {
  const objects = parseAllDocuments(await kustomize('k8s/monitoring')).map((each) => each.toJS());
  const { data, metadata } = objects.find(({ kind }) => kind === 'ConfigMap');
  assert.equal(`${metadata.namespace}/${metadata.name}`, 'ambassador/ambassador-consul-connector-dashboard');
  assert.equal(metadata.labels.grafana_dashboard, '1');
  assert.deepEqual(JSON.parse(data['dashboard.json']), dashboard());
});

test('promtool accepts the metrics, and a Prometheus that scrapes them answers each query of dashboard and alerts', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { text } = await daemon.get('/metrics');
  assert.equal(promtool(['check', 'metrics'], text), '');
  assert.throws(() => promtool(['check', 'metrics'], text.replaceAll('writes_total', 'writes')), /counter/);
  const { port } = await daemon.line('serving status');
  const prometheus = await startPrometheus({ 'a connector': `127.0.0.1:${port}` });
  t.after(() => prometheus.stop());
  const scrapes = async () => (await prometheus.query('count_over_time(up[1m])'))[0]?.value ?? 0;
  await eventually('some scrapes', async () => (await scrapes()) >= 5);

  for (const { title, expr, legend } of queries()) {
    const samples = await prometheus.query(expr);

    if (!EMPTY_AT_FIRST.includes(title)) assert.ok(samples.length > 0, `${title} is empty: ${expr}`);
    for (const { metric } of samples)
      for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g))
        assert.ok(label in metric, `${title} has no label ${label}: ${JSON.stringify(metric)}`);
  }
  for (const { alert, expr } of alertRules())
    assert.deepEqual(await prometheus.query(expr), [], `${alert} would fire`);
  for (const { name, definition } of dashboard().templating.list) {
    if (definition === undefined) continue;
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
    const values = await prometheus.labelValues(label, substitute(selector));
    assert.equal(values.length, 1, `the variable ${name} has no value`);
  }

  await breakKey(bed);

  for (const title of EMPTY_AT_FIRST) {
    const { expr = '' } = queries().find((query) => query.title === title) ?? {};
    const hasData = async () => (await prometheus.query(expr)).length > 0;
    await eventually(`${title} has data`, hasData);
  }
});
