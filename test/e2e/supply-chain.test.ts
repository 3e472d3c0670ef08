import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { temporary } from './support/temporary.ts';

const dist = (file: string): string => readFileSync(new URL(`../../dist/${file}`, import.meta.url), 'utf8');

test('S9: the bundle contains no package that the program does not use', () => {
  const packages: readonly string[] = dist('LICENCES.txt').match(/(?<=^={80}\n)\S+/gm) ?? [];

  for (const name of ['openid-client', 'oauth4webapi', 'jsonpath-plus']) {
    assert.ok(packages.length > 0 && !packages.includes(name), name);
  }
});

test('S9: the bundle has the licence of each of its packages', () => {
  const licences = dist('LICENCES.txt');

  for (const [name, version] of Object.entries(packageJson.dependencies)) {
    assert.match(licences, new RegExp(`^${name} ${version.replaceAll('.', '\\.')} \\(.+\\)$`, 'm'));
  }
  for (const [title, text] of licences
    .split(/^={80}$/m)
    .slice(1)
    .map((part) => part.trim().split(/\n(.*)/s))) {
    assert.match(text ?? '', /permission|license|licence/i, title);
  }
});

test('S9: the SBOM lists every package of the bundle, and none that only development needs', () => {
  const file = join(temporary(), 'sbom.cdx.json');
  execFileSync(process.execPath, ['scripts/sbom.mjs', file], { cwd: new URL('../../', import.meta.url) });
  const { components } = JSON.parse(readFileSync(file, 'utf8'));
  const listed: string[] = components.map(
    ({ name, version }: { name: string; version: string }) => `${name} ${version}`,
  );
  const bundled = dist('LICENCES.txt').match(/(?<=^={80}\n)\S+ \S+(?= \()/gm) ?? [];

  assert.ok(bundled.length > 10, 'the packages are found');
  assert.deepEqual(
    bundled.filter((each) => !listed.includes(each)),
    [],
  );
  for (const name of ['esbuild', 'typescript', 'c8'])
    assert.ok(!listed.some((each) => each.startsWith(`${name} `)), name);
});
