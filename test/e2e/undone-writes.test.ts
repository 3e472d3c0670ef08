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
    assert.match(
      String(error),
      new RegExp(`^secrets ${NAMESPACE}/${SECRET} was written, but the answer lacks`),
    );
    assert.match(String(remedy), /kubectl get mutatingwebhookconfigurations/);
    await daemon.unready(/^identity: secrets .* the answer lacks what was written: .*ca\.crt/m);
    assert.deepEqual(bed.secret()?.data, before);
    bed.cluster.mutate();
    await daemon.ready();
    assert.notDeepEqual(bed.secret()?.data, before);
  });

  test('K2: one that only takes a label away, or adds the time, leaves the daemon ready, and triggers no write', async (t) => {
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
  test('the create of the Secret is counted once it is seen', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.script({ verb: 'create', resource: 'secrets' }, 'lose-answer', 1);

    const daemon = await bed.startReady();

    await daemon.line('a write whose answer was lost has succeeded');
    assert.equal(await daemon.metric('writes_total', 'object="identity"'), 1);
    assert.equal(bed.cluster.writes('Secret') + bed.cluster.writes('Service'), 2);
  });

  test('the patch of a rotation is counted with its reason', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    bed.cluster.script({ verb: 'patch', resource: 'secrets' }, 'lose-answer', 1);

    await bed.consul.rotateRoot({ leafDelayMs: 60_000 });

    const { reason } = await daemon.line('a write whose answer was lost has succeeded');
    assert.match(String(reason), /^roots-changed: /);
    assert.equal(await daemon.metric('writes_total', 'object="identity"'), 2);
  });
});

describe('K16: a Service of ours whose ports another writer changed', { concurrency: 2 }, () => {
  for (const [what, ports] of [
    ['to an unnamed 443', [{ port: 443, protocol: 'TCP' }]],
    ['to UDP 80 of the same name', [{ name: 'http', port: 80, protocol: 'UDP' }]],
    ['to another port of the same name', [{ name: 'http', port: 8_443, protocol: 'TCP' }]],
  ] as const) {
    test(`${what}: its annotation is written nevertheless, and a warning says what to do`, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady();
      await bed.watched();
      bed.cluster.edit('Service', NAMESPACE, SERVICE, ({ metadata, spec = {} }) => {
        spec['ports'] = ports.map((port) => ({ ...port }));
        metadata.annotations = { 'getambassador.io/config': 'x' };
      });

      const { remedy } = await daemon.line(
        'the ports of the Service cannot be repaired; its TLSContext is published',
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

test('K11: an identity that another writer keeps breaking is repaired each second, a label each ten', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  await bed.watched();
  const breaking = setInterval(() => {
    bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ data = {} }) =>
      Object.assign(data, { 'tls.crt': 'eA==' }),
    );
  }, 20);
  t.after(() => clearInterval(breaking));
  await daemon.line('another writer keeps modifying the object; repairs are rate-limited');

  const before = bed.cluster.writes('Secret');
  await sleep(5_000);

  const repairs = bed.cluster.writes('Secret') - before;
  assert.ok(repairs >= 2 && repairs <= 7, `${repairs} repairs in 5 s`);
});
