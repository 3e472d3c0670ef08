import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../fixtures/kubernetes/index.ts';
import { eachRoot, issue } from './support/answers.ts';
import { type Bed, certificates, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What of an object is ours to keep: all but the marks of the API server and when and why it was written. */
function kept(object: KubeObject | undefined) {
  const { labels = {}, annotations = {} } = object?.metadata ?? {};
  const entries = Object.entries(annotations).filter(([key]) => !/\/(?:written|write)-/.test(key));
  const { type, data, spec } = object ?? {};
  return { type, data, spec, labels, annotations: Object.fromEntries(entries) };
}

const edit = (kind: 'Secret' | 'Service', change: (object: KubeObject) => void) => (bed: Bed) =>
  bed.cluster.edit(kind, NAMESPACE, kind === 'Secret' ? SECRET : SERVICE, change);

/** Does it again and again, until the test ends or what is returned is called. */
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
  const published = [kept(bed.secret()), kept(bed.service())];

  for (const [harm, doHarm] of [
    ['the Secret is deleted', (bed: Bed) => bed.cluster.remove('Secret', NAMESPACE, SECRET)],
    ['the Service is deleted', (bed: Bed) => bed.cluster.remove('Service', NAMESPACE, SERVICE)],
    [
      'both are deleted',
      (bed: Bed) => {
        bed.cluster.remove('Secret', NAMESPACE, SECRET);
        bed.cluster.remove('Service', NAMESPACE, SERVICE);
      },
    ],
    [
      'the certificate is replaced',
      edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' })),
    ],
    ['the key is replaced', edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.key': 'eA==' }))],
    ['the bundle is replaced', edit('Secret', ({ data = {} }) => Object.assign(data, { 'ca.crt': 'eA==' }))],
    ['the bundle is removed', edit('Secret', ({ data = {} }) => delete data['ca.crt'])],
    ['every label of the Secret is removed', edit('Secret', ({ metadata }) => delete metadata.labels)],
    [
      'every annotation of the Secret is removed',
      edit('Secret', ({ metadata }) => delete metadata.annotations),
    ],
    ['every label of the Service is removed', edit('Service', ({ metadata }) => delete metadata.labels)],
    [
      'the annotation of the Service is edited',
      edit('Service', ({ metadata: { annotations = {} } }) =>
        Object.assign(annotations, { 'getambassador.io/config': 'nothing' }),
      ),
    ],
    [
      'the annotation of the Service is removed',
      edit('Service', ({ metadata }) => delete metadata.annotations),
    ],
    [
      'the selector of the Service is edited',
      edit('Service', ({ spec = {} }) => Object.assign(spec, { selector: { app: 'other' } })),
    ],
  ] satisfies [string, (bed: Bed) => unknown][]) {
    await t.test(`after ${harm}`, async () => {
      doHarm(bed);

      const isBack = () => isDeepStrictEqual([kept(bed.secret()), kept(bed.service())], published);
      await eventually('all is as it was', isBack);
    });
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

test("24: Other people's labels, annotations and data stay, and are no reason to write", async (t) => {
  const bed = await makeBed(t);
  await bed.startReady();
  await bed.watched();
  const writes = bed.cluster.writes();
  const addTheirs = ({ metadata, data }: KubeObject) => {
    metadata.labels = { ...metadata.labels, team: 'edge' };
    metadata.annotations = { ...metadata.annotations, 'example.com/note': 'theirs' };
    if (data !== undefined) data['extra.txt'] = 'eA==';
  };
  bed.cluster.edit('Secret', NAMESPACE, SECRET, addTheirs);
  bed.cluster.edit('Service', NAMESPACE, SERVICE, addTheirs);
  await sleep(500);
  assert.equal(bed.cluster.writes(), writes);

  await bed.consul.rotateRoot({ leafDelayMs: 0 });

  await eventually('the new leaf', () => bed.cluster.writes('Secret') >= 2);
  for (const object of [bed.secret(), bed.service()]) {
    assert.equal(object?.metadata.labels?.['team'], 'edge');
    assert.equal(object.metadata.annotations?.['example.com/note'], 'theirs');
  }
  assert.equal(bed.secret()?.data?.['extra.txt'], 'eA==');
});

test('24: While somebody else keeps damaging the Secret, the connector says that nothing is published that works', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const damage = edit('Secret', ({ data = {} }) => Object.assign(data, { 'tls.crt': 'eA==' }));

  const stop = keepDoing(t, () => damage(bed));

  await daemon.unready(/^invalid: .*; another writer keeps modifying it$/m);
  assert.equal(await daemon.metric('published '), 0);
  stop();
  await daemon.ready();
  assert.equal(await daemon.metric('published '), 1);
});

test('24: While somebody else keeps taking the TLSContext away, the connector says that the gateway is not told of the Secret', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const strip = edit('Service', ({ metadata }) => {
    metadata.annotations = {};
  });

  const stop = keepDoing(t, () => strip(bed));

  await daemon.unready(/^service: another writer keeps modifying the Service: see with kubectl/m);
  stop();
  await daemon.ready();
});

test('24: Where an older Secret is put back again and again, the connector tells of the leaf that is published and not of its own', async (t) => {
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

test('24: While Consul sends an unusable root, what is deleted is put right all the same', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  await eventually('a query for the roots blocks', () => bed.consul.open('roots') > 0);
  bed.consul.script(
    'roots',
    eachRoot((root) => ({ ...root, RootCert: root.RootCert.slice(0, 200) })),
  );
  // The blocked query answers the first rotation; the script applies to the queries after it.
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
  await bed.consul.rotateRoot({ leafDelayMs: 60_000 });
  await daemon.line('rejected an answer from Consul, the published identity is unchanged');
  const caCrt = bed.entry('ca.crt');

  bed.cluster.remove('Secret', NAMESPACE, SECRET);
  bed.cluster.remove('Service', NAMESPACE, SERVICE);

  await eventually('both objects', () => bed.secret() !== undefined && bed.service() !== undefined);
  assert.equal(bed.entry('ca.crt'), caCrt);
});

describe('26, 30: A Secret that is already there', { concurrency: 2 }, () => {
  const old = (extra: object) => ({
    kind: 'Secret' as const,
    metadata: { name: SECRET, namespace: NAMESPACE },
    ...extra,
  });
  const data = { 'tls.crt': 'b2xk', 'tls.key': 'b2xk' };

  test('of the old program is adopted, and the copy of its key that kubectl left is removed', async (t) => {
    const bed = await makeBed(t);
    const copied = `{"data":{"tls.key":"${randomBytes(24).toString('base64')}"}}`;
    const metadata = { name: SECRET, namespace: NAMESPACE, annotations: { [LAST_APPLIED]: copied } };
    bed.cluster.put({ kind: 'Secret', type: 'kubernetes.io/tls', metadata, data });

    const daemon = await bed.startReady();

    const taken = await daemon.line('adopted an existing object');
    assert.equal(taken['object'], `secrets ${NAMESPACE}/${SECRET}`);
    const { annotation } = await daemon.line(
      'removed the last-applied annotation, which contained an old private key',
    );
    assert.equal(annotation, LAST_APPLIED);
    assert.equal(bed.secret()?.metadata.annotations?.[LAST_APPLIED], undefined);
    assert.match(bed.entry('tls.crt'), /^-----BEGIN CERTIFICATE-----/);
    assert.ok(!daemon.stdout.includes(copied));
  });

  for (const [what, extra, reason] of [
    ['of type Opaque', { type: 'Opaque', data }, /its type is Opaque, not kubernetes\.io\/tls/],
    ['that is immutable', { type: 'kubernetes.io/tls', immutable: true, data }, /it is immutable/],
  ] satisfies [string, object, RegExp][]) {
    test(`${what} is left as it is, unready with the reason, and written when it is deleted`, async (t) => {
      const bed = await makeBed(t);
      bed.cluster.put(old(extra));
      const before = bed.secret();
      const daemon = bed.start();

      const line = await daemon.line(({ code }) => code === 'SECRET_NOT_ADOPTABLE');

      assert.match(String(line['error']), reason);
      assert.match(String(line['remedy']), new RegExp(`kubectl -n ${NAMESPACE} delete secret ${SECRET}`));
      await daemon.unready(reason);
      assert.deepEqual(bed.secret(), before);
      bed.cluster.remove('Secret', NAMESPACE, SECRET);
      await daemon.ready();
      assert.match(bed.entry('tls.crt'), /^-----BEGIN CERTIFICATE-----/);
    });
  }
});
