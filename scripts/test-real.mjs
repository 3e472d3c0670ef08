// Runs the tests against real servers: npm run test:real -- [--kubernetes 1.37|1.20] [--consul PATH] [FILE …]
// Without files, runs all of them; and without a version, also runs those that depend most on the API server on the old one. Both
// options set a variable that test/fixtures/servers/get.sh reads.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ON_THE_OLD_API_SERVER = [
  'contract/kubernetes',
  'apply',
  'helm',
  'rbac',
  'repair',
  'replicas',
  'rotation',
  'three-ambassadors',
  'verify-upstream',
].map((name) => `test/real/${name}.test.ts`);

const { values, positionals } = parseArgs({
  options: { kubernetes: { type: 'string' }, consul: { type: 'string' } },
  allowPositionals: true,
});
const env = {
  ...process.env,
  ...(values.kubernetes !== undefined && { KUBERNETES_TEST_VERSION: values.kubernetes }),
  ...(values.consul !== undefined && { CONSUL: resolve(values.consul) }),
};

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

run('bash', 'test/fixtures/servers/get.sh');
run('npm', 'run', '--silent', 'build');
if (positionals.length > 0) {
  run(process.execPath, 'scripts/test.mjs', ...positionals);
} else {
  // In `npm test` they do only a quarter of their runs.
  env.PROPERTY_SHARE = '1';
  const properties = readdirSync('test/unit', { recursive: true }).filter((name) =>
    name.endsWith('.property.test.ts'),
  );
  run(process.execPath, 'scripts/test.mjs', ...properties.map((name) => join('test/unit', name)));
  run(process.execPath, 'scripts/test.mjs', 'test/real');
  run(
    process.execPath,
    'scripts/test.mjs',
    'test/measured',
    'test/soak',
    'test/simulation',
    '--test-concurrency=1',
  );
  if (values.kubernetes === undefined) {
    env.KUBERNETES_TEST_VERSION = '1.20';
    run('bash', 'test/fixtures/servers/get.sh');
    run(process.execPath, 'scripts/test.mjs', ...ON_THE_OLD_API_SERVER);
  }
}
