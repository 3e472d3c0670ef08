import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VARIABLES } from '../../../src/config/variables.ts';
import { logLines } from './log-lines.ts';
import { FILES, readPage } from './pages.ts';

const sources = FILES.filter((file) => /^src\/.*\.ts$/.test(file)).map(readPage);

test('.env.example and the table of docs/configuration.md have every variable', () => {
  const example = readPage('.env.example');
  const configuration = readPage('docs/configuration.md');
  for (const name of Object.keys(VARIABLES)) {
    assert.ok(example.includes(`${name}=`), `.env.example lacks ${name}`);
    assert.match(configuration, new RegExp(`^\\| \`${name}\` `, 'm'), `docs/configuration.md lacks ${name}`);
  }
});

test('docs/troubleshooting.md has every code', () => {
  const troubleshooting = readPage('docs/troubleshooting.md');
  const codes = [...readPage('src/errors.ts').matchAll(/'([A-Z]{2,}(?:_[A-Z]+)*)'/g)].map(
    ([, code = '']) => code,
  );
  assert.ok(codes.length > 40, 'the codes are found');
  for (const code of codes) assert.ok(troubleshooting.includes(`\`${code}\``), code);
});

test('docs/troubleshooting.md has every line of the log', () => {
  const troubleshooting = readPage('docs/troubleshooting.md');
  const lines = new Set(sources.flatMap((source) => logLines(source, sources)));
  assert.ok(lines.size > 20, 'the lines are found');
  for (const line of lines) assert.ok(troubleshooting.includes(`\`${line}\``), line);
});
