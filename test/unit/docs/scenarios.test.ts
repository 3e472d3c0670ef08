import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const TESTS = new URL('../../', import.meta.url);
/** `Consul's answers`, `Kubernetes' answers`, and the configuration and the process. */
const SCENARIOS = Array.from({ length: 36 }, (_, index) => index + 1);

const readme = readFileSync(new URL('README.md', TESTS), 'utf8');
const rows = readme.split('\n').filter((line) => /^\| \d+\. /.test(line));

test('every scenario has a row in test/README.md', () => {
  const numbers = new Set(rows.map((row) => Number.parseInt(row.slice(2), 10)));

  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    SCENARIOS,
  );
});

for (const row of rows) {
  const [, scenario = ''] = row.split('|');
  test(`what the row of scenario ${scenario.trim()} names exists`, () => {
    const named = [...row.matchAll(/`([\w/.-]+\.ts)`(?: (\d+))?/g)];

    assert.ok(named.length > 0, 'it names a test');
    for (const [, path = '', inName] of named) {
      assert.ok(existsSync(new URL(path, TESTS)), path);
      if (inName === undefined) continue;
      const source = readFileSync(new URL(path, TESTS), 'utf8');
      assert.match(source, new RegExp(`test\\(\\s*['"\`]${inName}: `), `${path} has a test ${inName}`);
    }
  });
}
