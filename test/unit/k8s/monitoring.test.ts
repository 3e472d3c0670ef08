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

/** What an expression asks for; Prometheus makes `up` itself. */
function metricsIn(expr: string): string[] {
  return expr.match(/\b(?:ambassador_consul_connector|process)_\w+/g) ?? [];
}

describe('The alerts', () => {
  const rules = alertRules();

  test('have names of their own, and each is for one severity of two', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, labels } of rules) {
      assert.match(alert, /^ConsulConnector[A-Z]/);
      assert.match(labels['severity'] ?? '', /^(critical|warning)$/, alert);
    }
  });

  test('ask for metrics that the connector exports', () => {
    for (const { alert, expr } of rules) {
      const names = metricsIn(expr);
      assert.ok(names.length > 0, alert);
      for (const name of names) assert.ok(exported.includes(name), `${alert}: ${name}`);
    }
  });

  for (const { alert, annotations } of rules) {
    test(`${alert} says what is wrong, what to do, and where the docs say more`, () => {
      const { summary = '', description = '', runbook = '' } = annotations;

      assert.ok(summary.length > 20 && description.length > 60);
      assert.equal(runbook, `docs/monitoring.md#${alert.toLowerCase()}`);
      assert.match(docs, new RegExp(`^### ${alert}$`, 'm'));
      assert.ok(troubleshooting.includes(`\n| [${alert}](monitoring.md#${alert.toLowerCase()}) | `));
    });
  }

  test('are all that docs/monitoring.md has', () => {
    const [, section = ''] = docs.split('\n## Alerts\n');
    const [alerts = ''] = section.split('\n## ');

    assert.deepEqual(
      [...alerts.matchAll(/^### (\w+)$/gm)].map(([, name]) => name),
      rules.map(({ alert }) => alert),
    );
  });

  test('come out of the PrometheusRule by the command of the docs', () => {
    assert.ok(docs.includes(`\nsed '${RULES_OF}' k8s/monitoring/alerts.yaml > `));
    assert.match(rulesText(), /^groups:\n {2}- name: /);
  });
});

test('The PodMonitor finds the Pods of the manifest, on their port', () => {
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
  const { panels, templating, schemaVersion, uid } = dashboard();
  const shown = panels.filter(({ type }) => type !== 'row');

  test('has panels with ids of their own that do not overlap', () => {
    assert.ok(shown.length > 10);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(!taken.has(`${x},${y}`), `${title} overlaps at ${x},${y}`);
          taken.add(`${x},${y}`);
        }
    }
  });

  test('asks the data source that is chosen, and names none', () => {
    assert.ok(templating.list.some(({ name, type }) => name === 'datasource' && type === 'datasource'));
    for (const { title, datasource, targets = [] } of shown)
      for (const each of [datasource, ...targets.map((target) => target.datasource)])
        assert.match(`${each?.type} ${each?.uid}`, /^prometheus \$\{datasource\}$/, title);
    assert.equal(uid, undefined);
    assert.equal(typeof schemaVersion, 'number');
  });

  test('says of each panel what it shows, and in which unit', () => {
    for (const { title, description = '', fieldConfig } of shown) {
      assert.match(description, /^[A-Z].{15,}\.$/, title);
      assert.ok(fieldConfig?.defaults.unit, title);
    }
  });

  test('takes rates over an interval that fits the scrapes of the PodMonitor', () => {
    const { spec } = parse(readPage('k8s/monitoring/pod-monitor.yaml'));

    for (const { expr, interval } of shown.flatMap(({ targets = [] }) => targets))
      if (expr.includes('$__rate_interval')) assert.equal(interval, spec.podMetricsEndpoints[0].interval);
  });

  test('asks for metrics that the connector exports, of the connectors that are chosen', () => {
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
