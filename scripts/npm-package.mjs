// Packs what npm publishes into a folder: node scripts/npm-package.mjs FOLDER. Run `npm run build` and `npm run sbom` first.
// It has its own package.json: the bundle contains the dependencies, and a list of them would make `npx` install them again. That
// of the repository stays private, so that it cannot be published with that list by accident.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/npm-package.mjs FOLDER');
const { name, version, description, license, engines, bin } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);
const files = [bin[name], 'dist/LICENCES.txt', 'dist/sbom.cdx.json', 'k8s'];

const staging = mkdtempSync(join(tmpdir(), 'npm-package-'));
try {
  for (const file of [...files, 'README.md', 'LICENSE']) {
    mkdirSync(dirname(join(staging, file)), { recursive: true });
    cpSync(file, join(staging, file), { recursive: true });
  }
  const manifest = { name, version, description, license, engines, bin, files };
  writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  mkdirSync(folder, { recursive: true });
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', resolve(folder)];
  console.log(join(folder, execFileSync('npm', pack, { cwd: staging, encoding: 'utf8' }).trim()));
} finally {
  rmSync(staging, { recursive: true });
}
