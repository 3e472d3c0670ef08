// Writes the SBOM (CycloneDX) of the production packages in the lockfile: node scripts/sbom.mjs [FILE], by default
// dist/sbom.cdx.json. It contains no path of this machine. The bundle leaves out parts of these packages
// (scripts/parts.mjs), and contains nothing else.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const [file = 'dist/sbom.cdx.json'] = process.argv.slice(2);
const { name, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const flags = ['--package-lock-only', '--sbom-type', 'application', '--sbom-format', 'cyclonedx'];
const sbom = JSON.parse(
  execFileSync('npm', ['sbom', ...flags], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }),
);
// Not by `--omit dev`: npm 11 then also omits packages that production shares with development, such as lru-cache.
const kept = new Set(
  Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`),
);
const isKept = (ref) => kept.has(ref);
const root = sbom.metadata.component['bom-ref'];
sbom.components = sbom.components.filter((component) => isKept(component['bom-ref']));
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => ref === root || isKept(ref))
  .map(({ ref, dependsOn }) => ({
    ref,
    dependsOn: dependsOn.filter((each) =>
      ref === root ? each.replace(/@[^@]+$/, '') in dependencies : isKept(each),
    ),
  }));
Object.assign(sbom.metadata.component, { name, properties: [] });
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(sbom, undefined, 2)}\n`);
console.log(`${file} ${sbom.components.length} packages`);
