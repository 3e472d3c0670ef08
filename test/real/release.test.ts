import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { temporary } from '../e2e/support/temporary.ts';
import { binary } from '../fixtures/servers/binaries.ts';

const TWENTY_MINUTES = 1_200_000;
const { name, version } = packageJson;
const run = promisify(execFile);
const folder = temporary();
const archive = `${name}-${version}-image.tar`;

before(
  async () => {
    const env = { ...process.env, PATH: `${dirname(binary('HELM'))}:${process.env['PATH']}` };
    await run('bash', ['scripts/release.sh', '--local-base', folder], { env, maxBuffer: 64 * 1024 * 1024 });
  },
  { timeout: TWENTY_MINUTES },
);

/** A blob of the OCI archive. */
async function blob(path: string): Promise<string> {
  const { stdout } = await run('tar', ['-xOf', join(folder, archive), path], { maxBuffer: 1024 * 1024 });
  return stdout;
}

const blobOf = (digest: string): Promise<string> => blob(`blobs/${digest.replace(':', '/')}`);

test('a release is the image, the npm package, the chart, the manifests, the SBOM and the licences, each with its checksum', async () => {
  const files = readdirSync(folder).sort();
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');

  for (const file of [
    archive,
    `${name}-${version}.tgz`,
    `${name}-chart-${version}.tgz`,
    `${name}-${version}-k8s.tar.gz`,
    'LICENCES.txt',
  ])
    assert.ok(files.includes(file), `${file} is missing: ${files}`);
  assert.deepEqual(
    [...sums.matchAll(/^[0-9a-f]{64} {2}(.+)$/gm)].map(([, file]) => file).sort(),
    files.filter((file) => file !== 'SHA256SUMS'),
  );
  await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
});

test('the image is one index for amd64 and arm64, and runs as uid 65532', async () => {
  const { manifests } = JSON.parse(await blob('index.json'));
  assert.equal(manifests.length, 1);
  const index = JSON.parse(await blobOf(manifests[0].digest));

  const platforms: string[] = [];
  for (const { digest, platform } of index.manifests) {
    const { config } = JSON.parse(await blobOf(digest));
    const image = JSON.parse(await blobOf(config.digest));
    assert.equal(image.architecture, platform.architecture);
    assert.equal(image.config.User, '65532:65532');
    assert.equal(image.config.Labels['org.opencontainers.image.version'], version);
    platforms.push(`${platform.os}/${platform.architecture}`);
  }

  assert.deepEqual(platforms.sort(), ['linux/amd64', 'linux/arm64']);
});

test('a tag that is not the version is refused', async () => {
  const release = run('bash', ['scripts/release.sh', '--tag', 'v0.0.1', temporary()]);

  await assert.rejects(release, { code: 1, stderr: /the tag v0\.0\.1 is not v/ });
});
