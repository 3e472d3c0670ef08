import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { Metrics } from '../../../src/status/metrics.ts';
import { alertRules, dashboard, queries, RULES_OF, rulesText } from '../../real/monitoring/files.ts';
import { readPage } from '../docs/pages.ts';

const docs = readPage('docs/monitoring.md');
const troubleshooting = readPage('docs/troubleshooting.md');
const exported = [...(await new Metrics('1.0.0').text([])).matchAll(/^# TYPE (\w+) /gm)].map(
  ([, name]) => name,
);

/** The metrics of an expression; Prometheus makes `up` itself. */
function metricsIn(expr: string): string[] {
  return expr.match(/\b(?:ambassador_consul_connector|process)_\w+/g) ?? [];
}

describe('The alerts', () => {
  const rules = alertRules();

  for (const { alert, expr, labels, annotations } of rules) {
    test(`${alert} queries metrics that the connector exports, has a severity, and is in the docs`, () => {
      const { summary = '', description = '', runbook = '' } = annotations;
      const names = metricsIn(expr);

      assert.ok(names.length > 0);
      for (const name of names) assert.ok(exported.includes(name), name);
      assert.match(labels['severity'] ?? '', /^(critical|warning)$/);
      assert.ok(summary.length > 20 && description.length > 60);
      assert.equal(runbook, `docs/monitoring.md#${alert.toLowerCase()}`);
      assert.match(docs, new RegExp(`^### ${alert}$`, 'm'));
      assert.ok(troubleshooting.includes(`\n| [${alert}](monitoring.md#${alert.toLowerCase()}) | `));
    });
  }

  test('are extracted from the PrometheusRule by the command of the docs', () => {
    assert.ok(docs.includes(`\nsed '${RULES_OF}' k8s/monitoring/alerts.yaml > `));
    assert.match(rulesText(), /^groups:\n {2}- name: /);
  });
});

test('The PodMonitor selects the Pods of the manifest, and their port', () => {
  const { spec, metadata } = parse(readPage('k8s/monitoring/pod-monitor.yaml'));
  const deployment = parseAllDocuments(readPage('k8s/ambassador-consul-connector.yaml'))
    .map((each) => each.toJS())
    .find(({ kind }) => kind === 'Deployment');
  const { labels } = deployment.spec.template.metadata;
  const [endpoint] = spec.podMetricsEndpoints;
  const [container] = deployment.spec.template.spec.containers;

  assert.equal(metadata.namespace, deployment.metadata.namespace);
  assert.deepEqual({ ...labels, ...spec.selector.matchLabels }, labels);
  for (const label of [spec.jobLabel, ...spec.podTargetLabels]) assert.ok(label in labels, label);
  assert.ok(container.ports.some(({ name }: { name: string }) => name === endpoint.port));
  assert.equal(endpoint.path, '/metrics');
});

describe('The dashboard', () => {
  const { panels, templating, uid } = dashboard();
  const shown = panels.filter(({ type }) => type !== 'row');

  test('queries the selected data source, and names none', () => {
    assert.ok(shown.length > 10);
    assert.ok(templating.list.some(({ name, type }) => name === 'datasource' && type === 'datasource'));
    for (const { title, datasource, targets = [] } of shown)
      for (const each of [datasource, ...targets.map((target) => target.datasource)])
        assert.match(`${each?.type} ${each?.uid}`, /^prometheus \$\{datasource\}$/, title);
    assert.equal(uid, undefined);
  });

  test('computes rates over an interval that matches the scrape interval of the PodMonitor', () => {
    const { spec } = parse(readPage('k8s/monitoring/pod-monitor.yaml'));
    for (const { expr, interval } of shown.flatMap(({ targets = [] }) => targets))
      if (expr.includes('$__rate_interval')) assert.equal(interval, spec.podMetricsEndpoints[0].interval);
  });

  test('queries metrics that the connector exports, of the selected connectors', () => {
    const expressions = [...shown.flatMap(({ targets = [] }) => targets), ...dashboard().annotations.list];
    for (const { expr } of expressions) {
      const names = metricsIn(expr);
      assert.ok(names.length > 0, expr);
      for (const name of names) assert.ok(exported.includes(name), name);
      assert.equal(expr.split('{job=~"$job", instance=~"$instance"').length - 1, names.length, expr);
    }
    for (const { expr } of queries()) assert.doesNotMatch(expr, /\$/);
  });
});
