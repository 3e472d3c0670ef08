import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { FIELD_MANAGER } from '../../../src/publish/annotations.ts';
import { ObjectCache } from '../../../src/publish/kubernetes/object-cache.ts';
import { ObjectWriter } from '../../../src/publish/kubernetes/object-writer.ts';
import { WriteLimiter } from '../../../src/publish/kubernetes/write-limiter.ts';
import { type SecretManifest, secretManifests } from '../../../src/publish/manifests.ts';
import { objectAt } from '../../fixtures/kubernetes/json.ts';
import { SILENT, startCluster } from './cluster.ts';
import { newContent, SEED_NAMES } from './support.ts';

const content = await newContent();
const { secret } = secretManifests(SEED_NAMES, content);
const { name, namespace } = secret.metadata;
const BURST = 30;

function labelled(labels: Record<string, string>): SecretManifest {
  return { ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, ...labels } } };
}

/** A writer of one Secret whose budget of writes is not refilled, and another writer of it. */
async function writing(t: TestContext) {
  const { cluster, connect, signal } = await startCluster(t);
  const client = await connect();
  const cache = new ObjectCache({
    client,
    ref: { resource: 'secrets', namespace, name },
    clock: systemClock,
    observer: SILENT,
  });
  const limiter = new WriteLimiter({
    clock: { ...systemClock, monotonic: () => 0 },
    onLimited: () => undefined,
    onRetry: () => undefined,
  });
  const writer = new ObjectWriter({ client, limiter, observer: SILENT });
  let confirmed = 0;
  const onConfirmed = (): void => {
    confirmed += 1;
  };
  const ensure = async (manifest: SecretManifest) =>
    writer.ensure(cache, await cache.current(signal), { manifest, urgency: 'ordinary', onConfirmed }, signal);
  return {
    cluster,
    cache,
    ensure,
    refresh: () => cache.refresh(signal),
    edit: (labels: Record<string, string>) =>
      cluster.edit('Secret', namespace, name, ({ metadata }) => {
        metadata.labels = { ...metadata.labels, ...labels };
      }),
    labels: () => cluster.get('Secret', namespace, name)?.metadata.labels ?? {},
    writes: () => cluster.requests.filter(({ method }) => method !== 'GET').length,
    confirmed: () => confirmed,
  };
}

test('an object that holds its manifest is not written', async (t) => {
  const { ensure, writes } = await writing(t);

  const outcomes = [await ensure(secret), await ensure(secret)];

  assert.deepEqual(outcomes, ['written', 'unchanged']);
  assert.equal(writes(), 1);
});

test('a change by another writer since the read is not overwritten, and is read for the next decision', async (t) => {
  const { cache, ensure, edit, labels } = await writing(t);
  await ensure(secret);
  edit({ theirs: 'new' });

  const outcome = await ensure(labelled({ ours: 'new' }));

  assert.equal(outcome, 'conflict');
  assert.deepEqual([labels()['theirs'], labels()['ours']], ['new', undefined]);
  assert.equal(cache.known?.labels['theirs'], 'new');
  assert.equal(await ensure(labelled({ ours: 'new' })), 'written');
});

test('thirty changes of another writer are undone at once, and no more', async (t) => {
  const { ensure, edit, refresh } = await writing(t);
  await ensure(secret);
  const outcomes: string[] = [];

  for (let change = 0; change < BURST; change += 1) {
    edit({ 'app.kubernetes.io/managed-by': `change-${change}` });
    await refresh();
    outcomes.push(await ensure(secret));
  }

  // The creation was the first of thirty.
  assert.deepEqual(outcomes, [...Array<string>(BURST - 1).fill('written'), 'rate-limited']);
});

test('writes onto our own last write are not limited', async (t) => {
  const { ensure } = await writing(t);

  for (let change = 0; change <= BURST; change += 1) {
    assert.equal(await ensure(labelled({ ours: `${change}` })), 'written');
  }
});

test('a write that a webhook undoes is an error', async (t) => {
  const { cluster, ensure } = await writing(t);
  await ensure(secret);
  cluster.mutate((object, live) => ({ ...object, data: live?.['data'] }));
  const changed = { ...secret, data: { ...secret.data, 'ca.crt': 'eA==' } };

  await assert.rejects(ensure(changed), { code: 'KUBERNETES_WRITE_UNDONE' });
});

test('what a webhook removes is written again only if the gateway uses it', async (t) => {
  const { cluster, ensure, writes } = await writing(t);
  cluster.mutate((object) => ({ ...object, metadata: { ...objectAt(object, 'metadata'), labels: {} } }));

  const outcomes = [await ensure(secret), await ensure(secret)];

  assert.deepEqual(outcomes, ['written', 'unchanged']);
  assert.equal(writes(), 1);
  assert.equal(await ensure({ ...secret, data: { ...secret.data, 'ca.crt': 'eA==' } }), 'written');
});

test('a label that is no longer wanted is removed, and those of other writers stay', async (t) => {
  const { ensure, edit, refresh, labels } = await writing(t);
  await ensure(labelled({ ours: 'former' }));
  edit({ theirs: 'yes' });
  await refresh();

  const outcome = await ensure(secret);

  assert.equal(outcome, 'written');
  assert.deepEqual(labels(), { ...secret.metadata.labels, theirs: 'yes' });
});

test('an annotation of the connector that another version of it wrote stays, and triggers no write', async (t) => {
  const { cluster, ensure } = await writing(t);
  const annotation = `${FIELD_MANAGER}/of-another-version`;
  const annotations = { ...secret.metadata.annotations, [annotation]: 'x' };
  await ensure({ ...secret, metadata: { ...secret.metadata, annotations } });

  assert.equal(await ensure(secret), 'unchanged');

  assert.equal(cluster.get('Secret', namespace, name)?.metadata.annotations?.[annotation], 'x');
});

test('a write that did not arrive is not confirmed by the write of another writer', async (t) => {
  const { cluster, ensure, edit, refresh, confirmed } = await writing(t);
  await ensure(secret);
  cluster.script({ verb: 'patch', resource: 'secrets' }, 'reset', 1);
  await assert.rejects(ensure(labelled({ ours: 'new' })), { code: 'KUBERNETES_UNREACHABLE' });
  edit({ theirs: 'new' });
  await refresh();

  await ensure(labelled({ ours: 'new' }));

  assert.equal(confirmed(), 0);
});
