import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { temporary } from '../e2e/support/temporary.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { name, version } = packageJson;
const run = promisify(execFile);
describe('the npm package', () => {
  /** An empty folder in which the package was installed. */
  const folder = temporary();

  before(async () => {
    await run(process.execPath, ['scripts/sbom.mjs'], { cwd: ROOT });
    await run(process.execPath, ['scripts/npm-package.mjs', folder], { cwd: ROOT });
    const install = ['install', '--offline', '--no-audit', '--no-fund', `./${name}-${version}.tgz`];
    await run('npm', [...install, '--cache', temporary()], { cwd: folder });
  });

  test('npx runs check from it, which reports an invalid configuration', async () => {
    const npx = ['--offline', name];
    const { stdout } = await run('npx', [...npx, '--version'], { cwd: folder });
    assert.equal(stdout, `${version}\n`);

    const env = { ...process.env, _CONSUL_PORT: '85oo' };
    const checking = run('npx', [...npx, 'check'], { cwd: folder, env });

    await assert.rejects(checking, { code: 2, stdout: /^FAIL {5}configuration[\s\S]*_CONSUL_PORT must/ });
  });

  test('needs no other package and no cache, and contains the licences, the SBOM and the manifests', () => {
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    const read = (file: string): string => readFileSync(join(folder, 'node_modules', name, file), 'utf8');

    assert.deepEqual(Object.keys(lock.packages), ['', `node_modules/${name}`]);
    assert.match(read('LICENSE'), /Apache License/);
    assert.match(read('dist/LICENCES.txt'), /^undici \d/m);
    assert.equal(JSON.parse(read('dist/sbom.cdx.json')).metadata.component.name, name);
    assert.match(read('k8s/kustomization.yaml'), /^kind: Kustomization$/m);
  });
});

test('the package.json of the repository cannot be published by accident', () => {
  assert.equal(packageJson.private, true);
});
