// Writes the table of values into the README of the chart: npm run chart:readme
import { readFileSync, writeFileSync } from 'node:fs';
import { withTableOfValues } from './chart-readme/table.ts';

const at = (name: string): URL => new URL(`../charts/ambassador-consul-connector/${name}`, import.meta.url);
const read = (name: string): string => readFileSync(at(name), 'utf8');

writeFileSync(
  at('README.md'),
  withTableOfValues({
    readme: read('README.md'),
    values: read('values.yaml'),
    schema: read('values.schema.json'),
  }),
);
