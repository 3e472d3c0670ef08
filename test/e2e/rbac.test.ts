import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const RECOVERS_WITHIN_MS = 40_000;

/** The rule the log must name. `create` cannot be limited to a name. */
function rule(verb: string, resource: string): string {
  const name = resource === 'secrets' ? SECRET : SERVICE;
  const names = verb === 'create' ? '' : `, resourceNames: ["${name}"]`;
  return `add to the Role in namespace ${NAMESPACE}: {apiGroups: [""], resources: ["${resource}"]${names}, verbs: ["${verb}"]}`;
}

describe('27: Each verb of the shipped Role removed in turn: a verb that is missing from the Role is named, and back in the Role it is used', {
  concurrency: 2,
}, () => {
  for (const resource of ['secrets', 'services'] as const) {
    for (const verb of ['list', 'create'] as const) {
      test(`${verb} ${resource} at the start`, async (t) => {
        const bed = await makeBed(t);
        bed.cluster.deny({ verb, resource });
        const daemon = bed.start();

        await daemon.line(({ remedy }) => remedy === rule(verb, resource));

        await daemon.unready(new RegExp(`${verb} ${resource} ${NAMESPACE}/\\S+ is forbidden`));
        // Without the right to write the Service, the Secret is published all the same.
        if (resource === 'services') await eventually('the Secret', () => bed.secret() !== undefined);
        bed.cluster.allow();
        await daemon.ready(RECOVERS_WITHIN_MS);
        assert.ok(bed.secret() !== undefined && bed.service() !== undefined);
      });
    }

    test(`watch ${resource} at the start, without which it is still published`, async (t) => {
      const bed = await makeBed(t);
      bed.cluster.deny({ verb: 'watch', resource });
      const daemon = await bed.startReady();

      await daemon.line(({ remedy }) => remedy === rule('watch', resource));

      bed.cluster.allow();
      await eventually('the watch', () => bed.cluster.watches.count(resource) === 1, RECOVERS_WITHIN_MS);
    });
  }

  test('patch, when there is something to repair', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    await bed.watched();
    for (const [resource, kind, name] of [
      ['secrets', 'Secret', SECRET],
      ['services', 'Service', SERVICE],
    ] as const) {
      await t.test(resource, async () => {
        bed.cluster.deny({ verb: 'patch', resource });
        bed.cluster.edit(kind, NAMESPACE, name, ({ metadata }) => delete metadata.labels);

        await daemon.line(({ remedy }) => remedy === rule('patch', resource));

        await daemon.unready(/is forbidden/);
        bed.cluster.allow();
        await daemon.ready(RECOVERS_WITHIN_MS);
        assert.ok(bed.cluster.get(kind, NAMESPACE, name)?.metadata.labels);
      });
    }
  });
});

test('27: API discovery that is forbidden: the Service is written for every version of Ambassador, and the log has the remedy', async (t) => {
  const bed = await makeBed(t, { cluster: { groups: ['getambassador.io/v2'] } });
  bed.cluster.deny({ path: '/apis/getambassador.io', verb: 'get' });

  const daemon = await bed.startReady();

  const { remedy, apiVersion } = await daemon.line(
    'API discovery failed, using the default TLSContext apiVersion',
  );
  assert.match(String(remedy), /system:discovery .* or set _AMBASSADOR_API_VERSION/);
  assert.equal(apiVersion, 'ambassador/v1');
  const annotation = bed.service()?.metadata.annotations?.['getambassador.io/config'];
  assert.match(annotation ?? '', /^apiVersion: ambassador\/v1$/m);
});
