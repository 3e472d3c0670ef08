import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Consul } from '../../../src/consul/client.ts';
import { ROOTS_PATH } from '../../../src/consul/connect-ca.ts';
import { PublishError } from '../../../src/errors.ts';
import type { Publisher, WriteOutcome } from '../../../src/publish/publisher.ts';
import { rootsText } from '../../simulation/consul-model.ts';
import { MemoryTarget } from '../../simulation/memory-target.ts';
import { bundleOf, material, newLeaf, newRoot, publishedAs } from '../identity/support.ts';
import { newConnector, newReporter } from './support.ts';

const LONG_AGO = new Date(Date.now() - 3_600_000);
const root = await newRoot({ notBefore: LONG_AGO });
const leaf = await newLeaf(root, { from: Date.now() - 1_000 });
const never = new AbortController().signal;

/** A Consul that answers at once with the root and the leaf. */
function consulOf({ age }: { age?: string } = {}): Consul {
  const roots = rootsText([{ id: root.serial, certPem: root.certPem, crossPem: undefined }]);
  const { certificatePem, privateKeyPem } = material(leaf);
  const leafText = JSON.stringify({ CertPEM: certificatePem, PrivateKeyPEM: privateKeyPem });
  const answer = async (path: string) =>
    path === ROOTS_PATH ? { text: roots, index: '1', age } : { text: leafText, index: '1', age: undefined };
  return {
    connect: () => ({ get: answer, getFromAny: answer }),
    missingPermission: async () => undefined,
    close: async () => undefined,
  };
}

/** A target in memory whose Service is written with these outcomes in turn. */
class ScriptedTarget extends MemoryTarget {
  readonly #serviceOutcomes: (WriteOutcome | PublishError)[];

  constructor(...serviceOutcomes: (WriteOutcome | PublishError)[]) {
    super();
    this.#serviceOutcomes = serviceOutcomes;
  }

  override async publishService(): Promise<WriteOutcome> {
    const outcome = this.#serviceOutcomes.shift() ?? 'unchanged';
    if (outcome instanceof PublishError) throw outcome;
    return outcome;
  }
}

function once(publisher: Publisher, consul = consulOf()) {
  const { reporter, ...reported } = newReporter();
  const connector = newConnector({ consul, publisher, reporter });
  return { ...reported, wrote: connector.once(never) };
}

test('D2: the writes of the first attempt count, though the second wrote nothing', async () => {
  const target = new ScriptedTarget('conflict', 'unchanged');
  const { wrote, lines } = once(target);
  assert.equal(await wrote, true);
  assert.equal(target.writes, 1);
  const found = lines.map(({ msg, reason }) => [msg, reason]);
  assert.deepEqual(found, [['published the identity', 'missing: no identity was published']]);
});

for (const [what, outcome, isPublished, wrote] of [
  ['the Service alone was written', 'written', true, true],
  ['the Secret alone was written', 'unchanged', false, true],
  ['nothing was written', 'unchanged', true, false],
] as const) {
  test(`once returns ${wrote} if ${what}`, async () => {
    const target = new ScriptedTarget(outcome);
    if (isPublished) target.published = { ...material(leaf), caPem: bundleOf(root).pem };
    assert.equal(await once(target).wrote, wrote);
  });
}

test('a Service that cannot be written is the error of once, and the identity stays published', async () => {
  const target = new ScriptedTarget(
    new PublishError('KUBERNETES_FORBIDDEN', 'patch services a/b is forbidden'),
  );

  const { wrote, health, lines } = once(target);

  await assert.rejects(wrote, { code: 'KUBERNETES_FORBIDDEN' });
  assert.equal(target.writes, 1);
  assert.equal(lines[0]?.msg, 'published the identity');
  const { published, problems } = health.snapshot();
  assert.notEqual(published, undefined);
  assert.equal(problems.get('service')?.code, 'KUBERNETES_FORBIDDEN');
});

test('endless conflicts are reported after eight attempts', async () => {
  const target = new ScriptedTarget(...Array(20).fill('conflict'));
  await assert.rejects(once(target).wrote, {
    code: 'KUBERNETES_CONFLICT',
    message: 'another writer was first, 8 times in a row',
  });
});

test('D3: with stale roots of another trust domain once fails with the reason', async () => {
  const elsewhere = await newRoot({ trustDomain: 'elsewhere.consul', notBefore: LONG_AGO });
  const target = new ScriptedTarget();
  target.published = publishedAs(await newLeaf(elsewhere, { from: Date.now() - 1_000 }), bundleOf(elsewhere));
  await assert.rejects(once(target, consulOf({ age: '40' })).wrote, { code: 'CONSUL_NO_SERVERS' });
  assert.equal(target.writes, 0);
});
