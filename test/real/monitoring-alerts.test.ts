import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { temporary } from '../e2e/support/temporary.ts';
import { binary } from '../fixtures/servers/binaries.ts';
import { alertRules, type Rules, rulesText } from './monitoring/files.ts';

const CASES = readFileSync(new URL('./monitoring/alerts.yaml', import.meta.url), 'utf8');
const run = promisify(execFile);

/** Runs the cases against the rules; resolves with the output of promtool, and whether all of them hold. */
async function promtool(folder: string, rules: string): Promise<{ ok: boolean; output: string }> {
  const cases = join(folder, 'cases.yaml');
  writeFileSync(join(folder, 'rules.yaml'), rules);
  writeFileSync(cases, CASES);
  return run(binary('PROMTOOL'), ['test', 'rules', cases]).then(
    ({ stdout }) => ({ ok: true, output: stdout }),
    ({ stdout, stderr }) => ({ ok: false, output: `${stdout}${stderr}` }),
  );
}

/** The rules, with another expression in one alert. */
function withExpression(alert: string, expr: string): string {
  const { groups }: Rules = parse(rulesText());
  const changed = groups.map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => (rule.alert === alert ? { ...rule, expr } : rule)),
  }));
  return stringify({ groups: changed });
}

describe('promtool', { concurrency: 2 }, () => {
  test('accepts the rules, and each alert fires in its cases and in no other', async () => {
    const folder = temporary();

    const { ok, output } = await promtool(folder, rulesText());

    assert.ok(ok, output);
    const { stdout } = await run(binary('PROMTOOL'), ['check', 'rules', join(folder, 'rules.yaml')]);
    assert.match(stdout, new RegExp(`SUCCESS: ${alertRules().length} rules found`));
  });

  for (const { alert } of alertRules()) {
    test(`has cases that fail if ${alert} never fires, or always`, async () => {
      for (const expr of ['vector(0) > 1', 'vector(1)']) {
        const { ok, output } = await promtool(temporary(), withExpression(alert, expr));

        assert.ok(!ok && output.includes(alert), expr);
      }
    });
  }
});
