import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, withAge } from '../fixtures/consul/answer.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

/** The present answers of Consul, to be sent later. */
async function answersOf(bed: Bed): Promise<ReadonlyMap<'roots' | 'leaf', Answer>> {
  const known = new Map<'roots' | 'leaf', Answer>();
  for (const target of ['roots', 'leaf'] as const)
    bed.consul.script(target, async (_request, truth) => {
      known.set(target, await truth.now());
      return undefined;
    });
  await eventually('both are known', () => known.size === 2);
  bed.consul.clearScripts();
  return known;
}

test('23: once the API server is back, /readyz names only the missing leaf', async (t) => {
  const bed = await makeBed(t);
  bed.consul.script('leaf', () => 'hang');
  await bed.cluster.stop();
  const daemon = bed.start();
  await daemon.unready(/the API server at .* cannot be reached/);

  await bed.cluster.start();

  await eventually('only the leaf is missing', async () => {
    return !(await daemon.get('/readyz')).text.includes('API server');
  });
});

/** A daemon that has published a rotation, and Consul's answers from before it. */
async function rotated(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ _CONSUL_WAIT: '1s', ...env });
  const stale = await answersOf(bed);
  const oldLeaf = bed.entry('tls.crt');
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
  await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
  return { bed, daemon, stale };
}

describe('stale answers from before a rotation undo nothing:', { concurrency: 2 }, () => {
  test('C9: from an agent that lost its servers', async (t) => {
    const { bed, daemon, stale } = await rotated(t, { _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    const entries = () => ['tls.crt', 'ca.crt'].map((name) => bed.entry(name));
    const [published, writes] = [entries(), bed.cluster.writes()];

    for (const [target, answer] of stale)
      bed.consul.script(target, (request) => {
        if (request.query.has('index')) return refusals.noClusterLeader;
        return target === 'roots' ? withAge(answer, 86_400) : answer;
      });
    await daemon.line(({ code }) => code === 'CONSUL_NO_SERVERS');
    // Several queries of a second each.
    await sleep(5_000);

    assert.deepEqual(entries(), published);
    assert.equal(bed.cluster.writes(), writes);
  });

  test('C15: from one of two agents that are queried in turn', async (t) => {
    const { bed, stale } = await rotated(t);
    const writes = bed.cluster.writes('Secret');
    let queries = 0;

    bed.consul.script('roots', async (request, truth) => {
      await sleep(200);
      // The answer to an aborted query is not received: the next one must come from the same agent.
      if (request.signal.aborted) return undefined;
      queries += 1;
      return queries % 2 === 0 ? truth.now() : stale.get('roots');
    });

    await eventually('ten answers', () => queries > 10);
    assert.equal(bed.cluster.writes('Secret'), writes);
  });
});
