import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { IssuedLeaf } from '../fixtures/certificates/factory.ts';
import type { KubeObject } from '../fixtures/kubernetes/index.ts';
import { issue } from './support/answers.ts';
import { type Bed, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { handOutKey } from './support/secrets.ts';

const CA_SECRET = `${SECRET}-ca`;
const HOUR_MS = 3_600_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;

const edit = (kind: 'Secret' | 'Service', change: (object: KubeObject) => void) => (bed: Bed) =>
  bed.cluster.edit(kind, NAMESPACE, kind === 'Secret' ? SECRET : SERVICE, change);

function dataOf({ chainPem, keyPem }: IssuedLeaf): Record<string, string> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { 'tls.crt': base64(chainPem), 'tls.key': base64(keyPem) };
}

/** Repeats `work` every 20 ms, until the test ends or the returned function is called. */
function keepDoing(t: TestContext, work: () => void): () => void {
  const doing = setInterval(work, 20);
  const stop = (): void => clearInterval(doing);
  t.after(stop);
  return stop;
}

test('24: deleted or edited objects are restored', async (t) => {
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
    'both were deleted': () => {
      bed.cluster.remove('Secret', NAMESPACE, SECRET);
      bed.cluster.remove('Service', NAMESPACE, SERVICE);
    },
    'certificate and selector were edited': () => {
      edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' }))(bed);
      edit('Service', ({ spec = {} }) => Object.assign(spec, { selector: { app: 'other' } }))(bed);
    },
    'labels and annotations were removed': () => {
      for (const kind of ['Secret', 'Service'] as const)
        edit(kind, ({ metadata }) => {
          delete metadata.labels;
          delete metadata.annotations;
        })(bed);
    },
  })) {
    harm();
    await eventually(`all is restored after ${what}`, () => isDeepStrictEqual(found(), published));
  }
});

describe('24, K11: another writer', { concurrency: 4 }, () => {
  test('edits or deletes the Secret of the roots: it is restored, and the other Secret is not written', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady({ _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    await eventually('both Secrets are watched', () => bed.cluster.watches.count('secrets') === 2);
    const [roots, before] = [bed.entry('tls.crt', CA_SECRET), bed.secret()?.metadata.resourceVersion];

    bed.cluster.edit('Secret', NAMESPACE, CA_SECRET, (secret) => {
      secret.data = { 'tls.crt': 'eA==' };
    });
    await eventually('it is restored', () => bed.entry('tls.crt', CA_SECRET) === roots);
    bed.cluster.remove('Secret', NAMESPACE, CA_SECRET);
    await eventually('it is created again', () => bed.entry('tls.crt', CA_SECRET) === roots);

    assert.equal(bed.secret()?.metadata.resourceVersion, before);
  });

  for (const [what, kind, harm, reason, whileDamaged] of [
    [
      'repeatedly damages the Secret',
      'Secret',
      edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' })),
      /^invalid: .*; another writer keeps modifying it$/m,
      0,
    ],
    [
      'repeatedly removes the TLSContext',
      'Service',
      edit('Service', ({ metadata }) => Object.assign(metadata, { annotations: {} })),
      /^service: another writer keeps modifying the Service: find the other writer with kubectl/m,
      1,
    ],
  ] as const) {
    test(`${what}: the daemon is unready with the reason, and repairs it once a second`, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady();

      const stop = keepDoing(t, () => harm(bed));

      await daemon.unready(reason);
      assert.equal(await daemon.metric('published '), whileDamaged);
      await daemon.line('another writer keeps modifying the object; repairs are rate-limited');
      const before = bed.cluster.writes(kind);
      await sleep(5_000);
      const repairs = bed.cluster.writes(kind) - before;
      assert.ok(repairs >= 2 && repairs <= 7, `${repairs} repairs in 5 s`);
      stop();
      await daemon.ready();
      assert.equal(await daemon.metric('published '), 1);
    });
  }

  test('keeps restoring an older Secret: the daemon reports the published leaf and not its own', async (t) => {
    const bed = await makeBed(t);
    const issued = await issue(bed, {
      notBefore: new Date(Date.now() - 70 * HOUR_MS),
      notAfter: new Date(Date.now() + 5 * HOUR_MS),
    });
    const daemon = await bed.startReady();
    const older = edit('Secret', ({ data = {} }) => Object.assign(data, dataOf(issued)));

    keepDoing(t, () => older(bed));

    await daemon.unready(/^the published leaf expires at/m);
  });
});

test('I4: an older leaf of another writer is a warning and an Event, and is replaced with one write of two replicas', async (t) => {
  const bed = await makeBed(t);
  const daemons = [bed.start(), bed.start()];
  await Promise.all(daemons.map((daemon) => daemon.ready()));
  assert.deepEqual([bed.cluster.writes('Secret'), bed.cluster.writes('Service')], [1, 1]);
  await bed.watched();
  const [leaf, key] = [bed.entry('tls.crt'), bed.entry('tls.key')];
  const writes = bed.cluster.writes('Secret');
  const old = await issue(bed, {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
  });
  handOutKey(old.keyPem);

  edit('Secret', ({ data = {} }) => Object.assign(data, dataOf(old)))(bed);

  await eventually('it is replaced', () => bed.entry('tls.crt') === leaf);
  assert.equal(bed.entry('tls.key'), key);
  const line = await eventually('the log line', () =>
    daemons
      .flatMap(({ logs }) => logs)
      .find(({ msg }) => msg === 'another writer replaced the published leaf'),
  );
  assert.deepEqual([line['level'], line['serial']], ['warn', old.serial.toLowerCase()]);
  assert.match(String(line['remedy']), /managed-fields.*docs\/rotation\.md/);
  await eventually('an Event', () =>
    bed.cluster.list('Event').some(({ reason }) => reason === 'ForeignLeaf'),
  );
  await sleep(SETTLED_MS);
  assert.equal(bed.cluster.writes('Secret') - writes, 1);
});
