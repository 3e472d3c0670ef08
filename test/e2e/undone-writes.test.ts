import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../fixtures/kubernetes/json.ts';
import { objectAt } from '../fixtures/kubernetes/json.ts';
import { makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const SETTLED_MS = 1_500;

function withMetadata(object: JsonObject, changes: JsonObject): JsonObject {
  return { ...object, metadata: { ...objectAt(object, 'metadata'), ...changes } };
}

describe('what a mutating webhook makes of a write', { concurrency: 2 }, () => {
  test('K2: one that puts the old data back makes the daemon unready, with the reason and a remedy', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const before = bed.secret()?.data;
    bed.cluster.mutate((object, live) =>
      object['kind'] === 'Secret' && live !== undefined ? { ...object, data: live['data'] } : object,
    );

    await bed.consul.rotateRoot({ leafDelayMs: 0 });

    const { error, remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_WRITE_UNDONE');
    assert.match(String(error), new RegExp(`^secrets ${NAMESPACE}/${SECRET} was written, and came back`));
    assert.match(String(remedy), /kubectl get mutatingwebhookconfigurations/);
    await daemon.unready(/^identity: secrets .* came back without what was written: .*ca\.crt/m);
    assert.deepEqual(bed.secret()?.data, before);
    bed.cluster.mutate();
    await daemon.ready();
    assert.notDeepEqual(bed.secret()?.data, before);
  });

  test('K2: the same for the annotation of the Service', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.mutate((object) =>
      object['kind'] === 'Service' ? withMetadata(object, { annotations: {} }) : object,
    );

    const daemon = bed.start();

    await daemon.unready(
      /^service: services .* came back without what was written: getambassador\.io\/config/m,
    );
  });

  test('K2: one that only takes a label away, or adds the time, is no reason to be unready, or to write again', async (t) => {
    const bed = await makeBed(t);
    let writes = 0;
    bed.cluster.mutate((object) => {
      writes += 1;
      return withMetadata(object, { labels: { seen: String(writes) } });
    });

    await bed.startReady();

    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes('Secret'), 1);
    assert.equal(bed.cluster.writes('Service'), 1);
  });
});

describe('K14: a write whose answer is lost', { concurrency: 2 }, () => {
  for (const [verb, resource, object] of [
    ['create', 'secrets', 'identity'],
    ['create', 'services', 'service'],
  ] as const) {
    test(`the ${verb} of ${resource} is counted once it is seen`, async (t) => {
      const bed = await makeBed(t);
      bed.cluster.script({ verb, resource }, 'lose-answer', 1);

      const daemon = await bed.startReady();

      await daemon.line('a write whose answer was lost was carried out');
      assert.equal(await daemon.metric('writes_total', `object="${object}"`), 1);
      assert.equal(bed.cluster.writes('Secret') + bed.cluster.writes('Service'), 2);
    });
  }

  test('the patch of a rotation is counted with its reason', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    bed.cluster.script({ verb: 'patch', resource: 'secrets' }, 'lose-answer', 1);

    await bed.consul.rotateRoot({ leafDelayMs: 60_000 });

    const { reason } = await daemon.line('a write whose answer was lost was carried out');
    assert.match(String(reason), /^roots-changed: /);
    assert.equal(await daemon.metric('writes_total', 'object="identity"'), 2);
  });
});

describe('K16: a Service of ours whose ports somebody else changed', { concurrency: 2 }, () => {
  for (const [what, ports] of [
    ['to an unnamed 443', [{ port: 443, protocol: 'TCP' }]],
    ['to UDP 80 of the same name', [{ name: 'http', port: 80, protocol: 'UDP' }]],
    ['to another port of the same name', [{ name: 'http', port: 8_443, protocol: 'TCP' }]],
  ] as const) {
    test(`${what}: its annotation is written all the same, and a warning says what to do`, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady();
      await bed.watched();
      bed.cluster.edit('Service', NAMESPACE, SERVICE, ({ metadata, spec = {} }) => {
        spec['ports'] = ports.map((port) => ({ ...port }));
        metadata.annotations = { 'getambassador.io/config': 'x' };
      });

      const { remedy } = await daemon.line(
        'the ports of the Service cannot be repaired, its TLSContext is published all the same',
      );

      assert.match(String(remedy), new RegExp(`kubectl -n ${NAMESPACE} delete service ${SERVICE}`));
      await eventually('the annotation', () =>
        /kind: TLSContext/.test(bed.service()?.metadata.annotations?.['getambassador.io/config'] ?? ''),
      );
      await daemon.ready();
      const { length } = bed.cluster.requests;
      await sleep(SETTLED_MS);
      assert.equal(bed.cluster.requests.length, length, 'it does not try for ever');
    });
  }
});

test('K11: an identity that is broken again and again is repaired each second, a label each ten', async (t) => {
  const bed = await makeBed(t);
  await bed.startReady();
  await bed.watched();
  const stop = breakAgainAndAgain(() =>
    bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ data = {} }) =>
      Object.assign(data, { 'tls.crt': 'eA==' }),
    ),
  );
  t.after(stop);
  await eventually('the burst is used up', () => bed.cluster.writes('Secret') > 30);

  const before = bed.cluster.writes('Secret');
  await sleep(8_000);
  stop();

  const repairs = bed.cluster.writes('Secret') - before;
  assert.ok(repairs >= 3 && repairs <= 10, `${repairs} repairs in 8 s`);
});

/** Whenever it was repaired. */
function breakAgainAndAgain(work: () => unknown): () => void {
  const timer = setInterval(work, 20);
  return () => clearInterval(timer);
}
