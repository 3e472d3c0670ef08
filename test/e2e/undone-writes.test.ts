import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const SETTLED_MS = 1_500;

test('K2: a mutating webhook that restores the old data makes the daemon unready, with the reason and a remedy', async (t) => {
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

test('K14: a write whose response is lost is counted with its reason once it is seen', async (t) => {
  const bed = await makeBed(t);
  bed.cluster.script({ verb: 'create', resource: 'secrets' }, 'lose-answer', 1);

  const daemon = await bed.startReady();

  const identityWrites = () => daemon.metric('writes_total', 'object="identity"');
  await daemon.line('a write whose answer was lost has succeeded');
  assert.equal(await identityWrites(), 1);
  assert.equal(bed.cluster.writes(), 2);
  bed.cluster.script({ verb: 'patch', resource: 'secrets' }, 'lose-answer', 1);
  await bed.consul.rotateRoot({ leafDelayMs: 60_000 });
  await daemon.line(
    ({ msg, reason }) =>
      msg === 'a write whose answer was lost has succeeded' && /^roots-changed: /.test(String(reason)),
  );
  assert.equal(await identityWrites(), 2);
});

describe('K16: ports of our Service that another writer changed', { concurrency: 2 }, () => {
  for (const [what, ports] of [
    ['to an unnamed 443', [{ port: 443, protocol: 'TCP' }]],
    ['to UDP 80 of the same name', [{ name: 'http', port: 80, protocol: 'UDP' }]],
    ['to another port of the same name', [{ name: 'http', port: 8_443, protocol: 'TCP' }]],
  ] as const) {
    test(`${what}: the annotation is still published, and a warning has a remedy`, async (t) => {
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
      assert.equal(bed.cluster.requests.length, length, 'it does not retry forever');
    });
  }
});
