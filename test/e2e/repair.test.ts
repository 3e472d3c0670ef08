import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../fixtures/kubernetes/index.ts';
import { issue } from './support/answers.ts';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const edit = (kind: 'Secret' | 'Service', change: (object: KubeObject) => void) => (bed: Bed) =>
  bed.cluster.edit(kind, NAMESPACE, kind === 'Secret' ? SECRET : SERVICE, change);

/** Does it every 20 ms, until the test ends or what is returned is called. */
function keepDoing(t: TestContext, work: () => void): () => void {
  const doing = setInterval(work, 20);
  const stop = (): void => clearInterval(doing);
  t.after(stop);
  return stop;
}

test('24: Deleted or edited: what is published is restored', async (t) => {
  const bed = await makeBed(t);
  await bed.startReady();
  await bed.watched();
  const found = () =>
    [bed.secret(), bed.service()].map((object) => ({
      data: object?.data,
      spec: object?.spec,
      labels: object?.metadata.labels,
      config: object?.metadata.annotations?.['getambassador.io/config'],
    }));
  const published = found();

  for (const [what, harm] of Object.entries({
    'both are deleted': () => {
      bed.cluster.remove('Secret', NAMESPACE, SECRET);
      bed.cluster.remove('Service', NAMESPACE, SERVICE);
    },
    'certificate and selector are edited': () => {
      edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' }))(bed);
      edit('Service', ({ spec = {} }) => Object.assign(spec, { selector: { app: 'other' } }))(bed);
    },
    'labels and annotations are removed': () => {
      for (const kind of ['Secret', 'Service'] as const)
        edit(kind, ({ metadata }) => {
          delete metadata.labels;
          delete metadata.annotations;
        })(bed);
    },
  })) {
    harm();
    await eventually(`all is as it was after ${what}`, () => isDeepStrictEqual(found(), published));
  }
});

test('K3: a label or annotation that is no longer configured is removed from both objects, however it came there', async (t) => {
  const bed = await makeBed(t);
  const found = () =>
    [bed.secret(), bed.service()].flatMap((object) => [
      object?.metadata.labels ?? {},
      object?.metadata.annotations ?? {},
    ]);
  const start = async (pairs: string) => {
    const daemon = await bed.startReady({
      _AMBASSADOR_LABELS: pairs,
      _AMBASSADOR_ANNOTATIONS: pairs.replaceAll(',', '\n'),
    });
    await eventually('the labels and annotations', () =>
      found().every((map) => pairs.split(',').every((pair) => map[pair.split('=')[0] ?? ''])),
    );
    return daemon;
  };
  // The first set comes with the creation, the second with an apply.
  for (const pairs of ['team=edge,tier=gold', 'team=edge,tier=gold,zone=a']) {
    const daemon = await start(pairs);
    await daemon.stop();
  }
  bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => {
    metadata.labels = { ...metadata.labels, theirs: 'stays' };
    metadata.annotations = { ...metadata.annotations, theirs: 'stays' };
  });

  await start('team=edge');

  await eventually('tier and zone are gone', () =>
    found().every((map) => !('tier' in map) && !('zone' in map) && map['team'] === 'edge'),
  );
  assert.equal(bed.secret()?.metadata.labels?.['theirs'], 'stays');
  assert.equal(bed.secret()?.metadata.annotations?.['theirs'], 'stays');
});

for (const [what, harm, reason, whileDamaged] of [
  [
    'damages the Secret',
    edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' })),
    /^invalid: .*; another writer keeps modifying it$/m,
    0,
  ],
  [
    'removes the TLSContext',
    edit('Service', ({ metadata }) => Object.assign(metadata, { annotations: {} })),
    /^service: another writer keeps modifying the Service: find the other writer with kubectl/m,
    1,
  ],
] as const) {
  test(`24: While another writer repeatedly ${what}, the daemon is unready with the reason`, async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();

    const stop = keepDoing(t, () => harm(bed));

    await daemon.unready(reason);
    assert.equal(await daemon.metric('published '), whileDamaged);
    stop();
    await daemon.ready();
    assert.equal(await daemon.metric('published '), 1);
  });
}

test('24: Where another writer keeps restoring an older Secret, it reports the leaf that is published and not its own', async (t) => {
  const bed = await makeBed(t);
  const { keyPem, chainPem } = await issue(bed, {
    notBefore: new Date(Date.now() - 70 * 3_600_000),
    notAfter: new Date(Date.now() + 5 * 3_600_000),
  });
  const daemon = await bed.startReady();
  const older = edit('Secret', ({ data = {} }) =>
    Object.assign(data, {
      'tls.crt': Buffer.from(chainPem).toString('base64'),
      'tls.key': Buffer.from(keyPem).toString('base64'),
    }),
  );

  keepDoing(t, () => older(bed));

  await daemon.unready(/^the published leaf expires at/m);
});
