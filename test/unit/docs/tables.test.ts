import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { exampleOfVariables, withTableOfVariables } from '../../../scripts/variables/texts.ts';
import { helpText } from '../../../src/cli/help.ts';
import { readConfig } from '../../../src/config/config.ts';
import { VARIABLE_SECTIONS } from '../../../src/config/variable-help.ts';
import { VARIABLES } from '../../../src/config/variables.ts';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { fencedBlocks, readPage } from './pages.ts';

test('.env.example and the table of docs/configuration.md are the output of `npm run variables`', () => {
  const page = readPage('docs/configuration.md');
  assert.equal(readPage('.env.example'), exampleOfVariables());
  assert.equal(page, withTableOfVariables(page));
  const described = VARIABLE_SECTIONS.flatMap(({ names }) => names);
  assert.deepEqual([...described].sort(), Object.keys(VARIABLES).sort());
});

test('.env.example without changes is the default configuration', () => {
  assert.deepEqual(readConfig(parseEnv(readPage('.env.example'))), readConfig({}));
});

test('docs/troubleshooting.md has every code', () => {
  const troubleshooting = readPage('docs/troubleshooting.md');
  const codes = readPage('src/errors.ts').match(/(?<=')[A-Z]{2,}(?:_[A-Z]+)*(?=')/g) ?? [];
  assert.ok(codes.length > 40, 'the codes are found');
  for (const code of codes) assert.ok(troubleshooting.includes(`\`${code}\``), code);
});

test('docs/troubleshooting.md has every cause of a failed request to Consul', () => {
  const troubleshooting = readPage('docs/troubleshooting.md');
  const causes = ['status', 'transport'].flatMap((name) =>
    [...readPage(`src/consul/errors/${name}.ts`).matchAll(/^ +cause: (['"])(.+)\1,$/gm)].map(
      ([, , cause = '']) => cause,
    ),
  );
  assert.ok(causes.length > 20, 'the causes are found');
  for (const cause of causes) assert.ok(troubleshooting.includes(cause), cause);
});

test('docs/configuration.md shows the commands of --help, and the TLSContext that is written', () => {
  const blocks = fencedBlocks(readPage('docs/configuration.md')).map(({ text }) => text);
  const commands = helpText('1.0.0')
    .split('\n')
    .filter((line) => line.startsWith('  ambassador'))
    .map((line) => `${line.trim()}\n`)
    .join('');
  const config = readConfig({});
  const names = { ...config, secretNamespace: 'ambassador', serviceNamespace: 'ambassador' };
  const context = renderTlsContext(names, config.apiVersion);

  assert.ok(blocks.includes(commands), commands);
  assert.ok(blocks.includes(context), context);
});
