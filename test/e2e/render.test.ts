import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { refusals } from '../fixtures/consul/refusals.ts';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { temporary } from './support/temporary.ts';

const CA_SECRET = `${SECRET}-ca`;
const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
const ROOTS_INDEX = 'ambassador-consul-connector/roots-index';
const WRITTEN_AT = 'ambassador-consul-connector/written-at';

interface Manifest {
  readonly kind: string;
  readonly type?: string;
  readonly metadata: { readonly name: string; readonly annotations: Record<string, string> };
  readonly data?: Readonly<Record<string, string>>;
}

/** What it printed, once it has ended well. */
async function rendered(command: Daemon): Promise<Manifest[]> {
  assert.equal((await command.exited).code, 0, command.stderr);
  return parseAllDocuments(command.stdout).map((document): Manifest => document.toJS());
}

/** Not a daemon of the bed, which lets none show a key. */
function startShowingKey(bed: Bed, env: Readonly<Record<string, string>> = {}): Daemon {
  const addresses = { _CONSUL_HOST: bed.consul.host, _CONSUL_PORT: String(bed.consul.port) };
  return startDaemon({ ...addresses, KUBECONFIG: bed.kubeconfig, ...env }, ['render', '--show-key']);
}

/** Its one line of complaint, once it has failed with nothing printed. */
async function complaint(command: Daemon): Promise<string> {
  assert.equal((await command.exited).code, 1, command.stdout);
  assert.equal(command.stdout, '');
  return command.stderr;
}

describe('render', { concurrency: 2 }, () => {
  test('prints the same twice, without the key, and writes nothing', async (t) => {
    const bed = await makeBed(t);

    const [first, second] = [bed.start({}, ['render']), bed.start({}, ['render'])];
    const manifests = await rendered(first);
    await rendered(second);

    assert.equal(first.stdout, second.stdout);
    assert.deepEqual(
      manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      [`Secret ${SECRET}`, `Service ${SERVICE}`],
    );
    const key = Buffer.from(manifests[0]?.data?.['tls.key'] ?? '', 'base64').toString();
    assert.equal(key, 'redacted: see it with render --show-key\n');
    assert.equal(bed.cluster.writes(), 0);
  });

  test('with --show-key it prints what the daemon then publishes, all but the time and the index of the roots', async (t) => {
    const bed = await makeBed(t);
    const before = await rendered(startShowingKey(bed, VERIFYING));

    await (await bed.startReady(VERIFYING)).stop();

    const published = [bed.secret(CA_SECRET), bed.secret(), bed.service()];
    assert.deepEqual(
      before.map(({ metadata: { annotations } }) => annotations[WRITTEN_AT]),
      ['when it is applied', 'when it is applied', undefined],
    );
    for (const [index, { data, metadata, type }] of before.entries()) {
      const object = published[index];
      const { [WRITTEN_AT]: _, [ROOTS_INDEX]: ___, ...annotations } = object?.metadata.annotations ?? {};
      const { [WRITTEN_AT]: __, ...promised } = metadata.annotations;
      assert.deepEqual([object?.data, object?.type, annotations], [data, type, promised]);
    }
  });

  test('of what is published already it prints the same, time and all', async (t) => {
    const bed = await makeBed(t);
    await (await bed.startReady(VERIFYING)).stop();

    const manifests = await rendered(startShowingKey(bed, VERIFYING));

    assert.deepEqual(
      manifests.map(({ data, metadata }) => [data, metadata.annotations]),
      [bed.secret(CA_SECRET), bed.secret(), bed.service()].map((object) => [
        object?.data,
        object?.metadata.annotations,
      ]),
    );
  });

  for (const [what, kubeconfig] of [
    ['without a kubeconfig', () => '/nowhere/config'],
    ['where the API server is not there', (bed: Bed) => bed.kubeconfig],
  ] as const) {
    test(`${what} it renders as if nothing were published, and says so`, async (t) => {
      const bed = await makeBed(t);
      await bed.cluster.stop();

      const command = bed.start({ ...VERIFYING, KUBECONFIG: kubeconfig(bed) }, ['render']);

      assert.deepEqual(
        (await rendered(command)).map(({ metadata }) => metadata.name),
        [CA_SECRET, SECRET, SERVICE],
      );
      assert.match(command.stderr, /no cluster was queried .*: as if nothing were published yet$/m);
    });
  }

  test('a Secret that cannot be taken over is an error for it as for the daemon', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACE, name: SECRET },
      type: 'Opaque',
    });

    const text = await complaint(bed.start({}, ['render']));

    assert.match(text, /^SECRET_NOT_ADOPTABLE: .*its type is Opaque[\s\S]*-> if it is not needed: kubectl/);
  });

  test('a right that is missing is an error with the rule to add', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'list', resource: 'secrets' });

    assert.match(
      await complaint(bed.start({}, ['render'])),
      /^KUBERNETES_FORBIDDEN: [\s\S]*verbs: \["list"\]/,
    );
  });

  test('what Consul refuses is an error with the policy', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('leaf', () => refusals.permissionDenied);

    assert.match(
      await complaint(bed.start({}, ['render'])),
      /^CONSUL_PERMISSION_DENIED: [\s\S]*policy = "write"/,
    );
  });

  test('of a folder it prints the manifests that the daemon then puts there, makes none, and asks no cluster', async (t) => {
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

  test('a file where the folder should be is an error, and not one of a cluster', async (t) => {
    const bed = await makeBed(t);
    const file = join(temporary(), 'file');
    writeFileSync(file, '');

    const text = await complaint(bed.start({ _OUTPUT_DIR: file }, ['render']));

    assert.match(text, /^DIRECTORY_UNWRITABLE: .*\n-> set _OUTPUT_DIR to a folder\n$/);
  });
});
