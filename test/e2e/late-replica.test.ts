import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../fixtures/consul/answer.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const LATE = 'late';
const LONG_ENOUGH_MS = 4_000;

/** The daemon with the token `late` has an agent that knows no more than what it says at first. */
function cutOff(bed: Bed, headers: Readonly<Record<string, string>>): void {
  const known = new Map<string, Answer>();
  for (const target of ['roots', 'leaf'] as const) {
    bed.consul.script(target, async (request, truth) => {
      if (request.headers['x-consul-token'] !== LATE) return undefined;
      const before = known.get(target);
      if (before !== undefined && request.query.has('index')) return 'hang';
      const answer = before ?? (await truth.now());
      known.set(target, answer);
      return { ...answer, headers: { ...answer.headers, ...headers } };
    });
  }
}

describe('two replicas that do not agree', { concurrency: 4 }, () => {
  for (const [agent, headers, hearsAfterMs] of [
    ['hears of it later', {}, 500],
    ['has lost its servers', { Age: '20' }, undefined],
  ] as const) {
    for (const crossSign of [true, false]) {
      test(`25: A replica whose agent ${agent} does not undo a rotation that the other has published, ${crossSign ? '' : 'not '}cross-signed`, async (t) => {
        const bed = await makeBed(t);
        cutOff(bed, headers);
        await bed.startReady({ CONSUL_HTTP_TOKEN: LATE });
        await bed.startReady({ CONSUL_HTTP_TOKEN: 'early' });
        await bed.watched();
        const first = bed.cluster.writes('Secret');

        await bed.consul.rotateRoot({ crossSign, leafDelayMs: 300 });
        if (hearsAfterMs !== undefined) {
          await sleep(hearsAfterMs);
          bed.consul.clearScripts();
        }
        await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
        await sleep(LONG_ENOUGH_MS);

        assert.equal(bed.cluster.writes('Secret') - first, 2, 'the roots, and then the leaf');
        assert.equal(certificates(bed.entry('ca.crt')).length, 2);
        const [leaf] = certificates(bed.entry('tls.crt'));
        const [active] = certificates(bed.entry('ca.crt'));
        assert.ok(leaf && active && leaf.verify(active.publicKey), 'the leaf is of the new root');
      });
    }
  }
});

test('C15: two agents that disagree about the roots, asked in turn, cause no write', async (t) => {
  const bed = await makeBed(t);
  await bed.startReady({ _CONSUL_WAIT: '1s' });
  let behind: Answer | undefined;
  bed.consul.script('roots', async (_request, truth) => {
    behind = await truth.now();
    return undefined;
  });
  await eventually('the roots of before', () => behind !== undefined);
  bed.consul.clearScripts();
  const oldLeaf = bed.entry('tls.crt');
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
  const writes = bed.cluster.writes('Secret');
  let queries = 0;

  bed.consul.script('roots', async (_request, truth) => {
    queries += 1;
    await sleep(200);
    return queries % 2 === 0 ? truth.now() : behind;
  });

  await eventually('ten answers', () => queries > 10, 30_000);
  assert.equal(bed.cluster.writes('Secret'), writes);
});
