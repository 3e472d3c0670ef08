import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };
import { withTableOfValues } from '../../../scripts/chart-readme/table.ts';
import { NAMES } from '../../../src/config/variables.ts';
import { isRecord } from '../../../src/lib/record.ts';
import { FILES, readPage } from '../docs/pages.ts';

const CHART = 'charts/ambassador-consul-connector';
/** Helm adds it to the values of a chart that another depends on. */
const OF_HELM = ['global'];

const read = (file: string): string => readPage(`${CHART}/${file}`);
const values: unknown = parse(read('values.yaml'));
const schema: unknown = JSON.parse(read('values.schema.json'));

/** The path of each value that a schema has, such as `consul.port` or `ambassadors[].id`. */
function pathsIn(node: unknown, path = ''): string[] {
  if (!isRecord(node)) return [path];
  const { properties, additionalProperties, items, minItems } = node;
  // A list of at least one is of values too; any other object or list is a value itself.
  if (minItems === 1) return pathsIn(items, `${path}[]`);
  if (!isRecord(properties) || additionalProperties !== false) return [path];
  return Object.entries(properties).flatMap(([key, inner]) =>
    pathsIn(inner, path === '' ? key : `${path}.${key}`),
  );
}

function valueAt(path: string): unknown {
  const keys = path.replaceAll('[]', '.0').split('.');
  return keys.reduce<unknown>(
    (at, key) => (Array.isArray(at) ? at[Number(key)] : isRecord(at) ? at[key] : undefined),
    values,
  );
}

test('the table in the README of the chart is up to date', () => {
  const readme = read('README.md');
  const current = withTableOfValues({
    readme,
    values: read('values.yaml'),
    schema: read('values.schema.json'),
  });
  assert.equal(readme, current, 'run: npm run chart:readme');
});

test('the schema has exactly the values of values.yaml, and rejects any other', () => {
  const known = pathsIn(schema).filter((path) => !OF_HELM.includes(path));

  assert.ok(known.length > 50, 'the values are found');
  for (const path of known) assert.notEqual(valueAt(path), undefined, `values.yaml lacks ${path}`);
  const table = [...read('README.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, path = '']) => path);
  assert.deepEqual(
    table.filter((path) => !known.includes(path)),
    ['ambassadors'],
    'beside the list itself',
  );
});

test('each variable that the chart sets is one that the connector reads, and is rejected in env', () => {
  const inTemplate = (file: string) =>
    [...read(`templates/${file}`).matchAll(/"(_?[A-Z]+(?:_[A-Z]+)+)"/g)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'NODE_OPTIONS');
  const set = inTemplate('_pod.tpl');
  const rejected = inTemplate('_validate.tpl');

  assert.ok(set.length > 20, 'the variables are found');
  for (const name of set) {
    assert.ok(NAMES.includes(name), name);
    assert.ok(rejected.includes(name.replace(/^_/, '')), `env may have ${name}`);
  }
  for (const name of rejected) assert.ok(NAMES.includes(`_${name}`), name);
});

test('the chart and its image have the version of the package', () => {
  const { version, appVersion } = parse(read('Chart.yaml'));
  assert.deepEqual(
    { version, appVersion },
    { version: packageJson.version, appVersion: packageJson.version },
  );
});

test('the alerts of the chart are those of k8s/monitoring, byte for byte: Helm reads no file outside a chart', () => {
  assert.equal(read('files/alerts.yaml'), readPage('k8s/monitoring/alerts.yaml'));
});

test('no template is a Secret or a Service: Helm would overwrite the published ones', () => {
  const templates = FILES.filter((file) => file.startsWith(`${CHART}/templates/`));
  assert.ok(templates.length > 10, 'the templates are found');
  for (const file of templates) assert.doesNotMatch(readPage(file), /^kind: (Secret|Service)$/m, file);
});
