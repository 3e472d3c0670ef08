import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesDouble, Response } from '../fixtures/kubernetes/index.ts';
import { certificates, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const FAULTY_MS = 2_000;
const EXPIRED =
  '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n';

/** The most watches of one object within `forMs`: five at once, then one a second. */
function bound(forMs: number): number {
  return 5 + Math.ceil(forMs / 1_000);
}

function requests(cluster: KubernetesDouble, verb: string, since: number): number {
  return cluster.requests.filter((request) => request.at >= since && request.verb === verb).length;
}

test('29: after the end of a watch, 410 Gone, a bookmark or half a line, the watch continues', async (t) => {
  const bed = await makeBed(t);
  await bed.startReady();
  await bed.watched();

  for (const [fault, happen] of [
    ['after its end', ({ watches }: KubernetesDouble) => watches.end()],
    ['after its connection was cut', ({ watches }: KubernetesDouble) => watches.cut()],
    ['after 410 Gone', ({ watches }: KubernetesDouble) => watches.expire()],
    ['after an error of the server', ({ watches }: KubernetesDouble) => watches.fail()],
    ['after half a line', ({ watches }: KubernetesDouble) => watches.halfLine()],
    ['after a line that is not JSON', ({ watches }: KubernetesDouble) => watches.garbage()],
    ['after a bookmark', ({ watches }: KubernetesDouble) => watches.bookmark()],
  ] satisfies [string, (cluster: KubernetesDouble) => void][]) {
    await t.test(`${fault}, with few requests`, async () => {
      const since = Date.now();

      happen(bed.cluster);

      await sleep(100);
      await bed.watched();
      bed.cluster.remove('Secret', NAMESPACE, SECRET);
      bed.cluster.remove('Service', NAMESPACE, SERVICE);
      await eventually('both are back', () => bed.secret() !== undefined && bed.service() !== undefined);
      const watches = requests(bed.cluster, 'watch', since);
      assert.ok(watches <= 4, `${watches} watches for two objects`);
    });
  }
});

describe('29: a watch that cannot be opened', { concurrency: 2 }, () => {
  for (const [fault, response] of [
    ['ends at once', { status: 200 }],
    ['is 410 at once', { status: 200, body: EXPIRED }],
    ['is refused with 429', { status: 429, body: '{}' }],
    ['is refused with 500', { status: 500, body: 'no JSON' }],
    ['is reset, which is counted and logged with its remedy', 'reset'],
  ] satisfies [string, Response][]) {
    test(`is requested at a bounded rate while each one ${fault}`, async (t) => {
      const bed = await makeBed(t);
      const daemon = await bed.startReady();
      await bed.watched();
      bed.cluster.script({ verb: 'watch' }, response);
      const since = Date.now();

      bed.cluster.watches.cut();
      await sleep(FAULTY_MS);

      const most = 2 * bound(Date.now() - since);
      const [watches, lists] = [requests(bed.cluster, 'watch', since), requests(bed.cluster, 'list', since)];
      assert.ok(watches > 0 && watches <= most, `${watches} watches, ${most} allowed`);
      assert.ok(lists <= most, `${lists} lists, ${most} allowed`);
      if (response === 'reset') {
        const failed = (outcome: string) =>
          daemon.metric('kubernetes_requests_total', 'verb="watch"', `outcome="${outcome}"`);
        const { remedy } = await daemon.line(
          ({ msg, error }) => msg === 'watch failed, restarting' && /ECONNRESET/.test(String(error)),
        );
        assert.match(String(remedy), /API server runs/);
        assert.equal(await failed('UNEXPECTED'), 0);
        assert.ok((await failed('KUBERNETES_UNREACHABLE')) > 0);
      }
      bed.cluster.clearScripts();
      await eventually('both watches', () => bed.cluster.watches.count() === 2);
    });
  }

  test('or is silent does no harm: the next write detects what was missed', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady();
    await bed.watched();
    bed.cluster.watches.silence();
    bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => delete metadata.labels);

    await bed.consul.rotateRoot();

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    assert.ok(bed.secret()?.metadata.labels);
  });
});
