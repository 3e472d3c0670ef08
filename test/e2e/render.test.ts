import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { type Bed, makeBed, SECRET, SERVICE } from './support/bed.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { temporary } from './support/temporary.ts';

const CA_SECRET = `${SECRET}-ca`;
const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };

interface Manifest {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** The printed manifests, after a successful end. */
async function rendered(command: Daemon): Promise<Manifest[]> {
  assert.equal((await command.exited).code, 0, command.stderr);
  return parseAllDocuments(command.stdout).map((document): Manifest => document.toJS());
}

/** Not a daemon of the bed, which fails on any output of a key. */
function startShowingKey({ consul }: Bed, env: Readonly<Record<string, string>>): Daemon {
  const addresses = { _CONSUL_HOST: consul.host, _CONSUL_PORT: String(consul.port) };
  return startDaemon({ ...addresses, ...env }, ['render', '--show-key']);
}

describe('render', { concurrency: 2 }, () => {
  test('without a reachable API server it renders as if nothing were published, and notes that', async (t) => {
    const bed = await makeBed(t);
    await bed.cluster.stop();

    const command = bed.start(VERIFYING, ['render']);

    const manifests = await rendered(command);
    assert.deepEqual(
      manifests.map(({ metadata }) => metadata.name),
      [CA_SECRET, SECRET, SERVICE],
    );
    const key = Buffer.from(manifests[1]?.data?.['tls.key'] ?? '', 'base64').toString();
    assert.equal(key, 'redacted: see it with render --show-key\n');
    assert.match(command.stderr, /no cluster was queried .*: rendering as if nothing were published yet$/m);
  });

  test('for a folder it prints the manifests that the daemon then writes, creates none, and contacts no cluster', async (t) => {
    const bed = await makeBed(t);
    const env = { ...VERIFYING, _OUTPUT_DIR: join(temporary(), 'out'), KUBECONFIG: '' };
    const before = await rendered(startShowingKey(bed, env));
    assert.ok(!existsSync(env._OUTPUT_DIR));

    await (await bed.startReady(env)).stop();
    const after = startShowingKey(bed, env);
    await rendered(after);

    const files = ['ca-secret.yaml', 'secret.yaml', 'service.yaml'];
    const texts = files.map((name) => readFileSync(join(env._OUTPUT_DIR, name), 'utf8'));
    assert.equal(after.stdout, texts.join('---\n'));
    assert.equal(after.stderr, '');
    assert.deepEqual(
      before.map(({ data }) => data),
      parseAllDocuments(after.stdout).map((document) => document.toJS().data),
    );
    assert.deepEqual(bed.cluster.requests, []);
  });
});
