import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const TESTS = new URL('../', import.meta.url);
/** `Consul's answers`, `Kubernetes' answers`, and the configuration and the process. */
const SCENARIOS = Array.from({ length: 36 }, (_, index) => index + 1);

const readme = readFileSync(new URL('README.md', TESTS), 'utf8');
const rows = readme.split('\n').filter((line) => /^\| \d+\. /.test(line));

test('every scenario has one row in test/README.md', () => {
  const numbers = rows.map((row) => Number.parseInt(row.slice(2), 10)).sort((a, b) => a - b);

  assert.deepEqual(numbers, SCENARIOS);
});

for (const row of rows) {
  const number = Number.parseInt(row.slice(2), 10);
  test(`the tests that the row of scenario ${number} names exist`, () => {
    const named = [...row.matchAll(/`([\w/.-]+\.test\.ts)`(?: (\d+))?/g)];

    assert.ok(named.length > 0, 'it names a test');
    for (const [, path = '', inName] of named) {
      assert.ok(existsSync(new URL(path, TESTS)), path);
      if (inName === undefined) continue;
      const source = readFileSync(new URL(path, TESTS), 'utf8');
      assert.match(source, new RegExp(`test\\(\\s*['"\`]${inName}: `), `${path} has a test ${inName}`);
    }
  });
}
