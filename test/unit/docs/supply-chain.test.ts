import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import packageJson from '../../../package.json' with { type: 'json' };
import { isRecord } from '../../../src/lib/record.ts';

const read = (path: string): Promise<string> =>
  readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');
const direct = { ...packageJson.dependencies, ...packageJson.devDependencies };

test('ARCHITECTURE.md gives a reason for every direct dependency', async () => {
  const [, dependencies = ''] = (await read('ARCHITECTURE.md')).split('## Dependencies');
  for (const name of Object.keys(packageJson.dependencies)) {
    assert.match(dependencies, new RegExp(`^\\| \`${name}\` \\| .{5,} \\|$`, 'm'), name);
  }
  for (const name of Object.keys(packageJson.devDependencies)) {
    const short = name.replace(/^@types\/.*/, 'typescript').replace('@biomejs/', '');
    assert.ok(dependencies.includes(`\`${short}\``), name);
  }
});

test('every direct dependency is pinned to one version, and the lockfile holds that one', async () => {
  const { packages } = JSON.parse(await read('package-lock.json'));
  for (const [name, version] of Object.entries(direct)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(packages[`node_modules/${name}`]?.version, version, name);
  }
});

test('the lockfile is complete, with a hash of every package, and records no address of a registry', async () => {
  const text = await read('package-lock.json');
  const { packages }: { packages: Record<string, unknown> } = JSON.parse(text);
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '' || !isRecord(entry)) continue;
    assert.match(String(entry['integrity']), /^sha512-/, path);
    assert.equal(entry['resolved'], undefined, path);
  }
});

test('the image is labelled with the version of the package', async () => {
  assert.match(await read('Dockerfile'), new RegExp(`^ARG VERSION=${packageJson.version}$`, 'm'));
});

test('S7: the image and npm start the program with the same flags, and with the hardening', async () => {
  const command = await read('scripts/image/ambassador-consul-connector');
  const flags = packageJson.scripts.start.split(' ').slice(1, -1);
  assert.match(
    await read('Dockerfile'),
    /^ENTRYPOINT \["\/usr\/local\/bin\/ambassador-consul-connector"\]$/m,
  );
  assert.deepEqual(command.match(/--\S+/g), flags);
  for (const flag of ['--disable-proto=delete', '--disallow-code-generation-from-strings'])
    assert.ok(flags.includes(flag), flag);
});
