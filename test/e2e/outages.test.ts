import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, withAge } from '../fixtures/consul/answer.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

type Answers = ReadonlyMap<'roots' | 'leaf', Answer>;

/** What Consul answers now, for a later time. */
async function answersOf(bed: Bed): Promise<Answers> {
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

describe('23, 28: An outage ends by itself:', { concurrency: 3 }, () => {
  test('of Consul while running leaves the daemon ready and says so', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();

    await bed.consul.stop();

    await daemon.line(({ code }) => code === 'CONSUL_UNREACHABLE');
    const { status, text } = await daemon.get('/readyz');
    assert.equal(status, 200);
    assert.match(text, /^ok\n.*Consul at .* cannot be reached/);
  });

  test('of the API server, of which /readyz no longer speaks, while the leaf is still missing', async (t) => {
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
});

describe('answers from before a rotation undo nothing:', { concurrency: 2 }, () => {
  test('C9: from an agent that lost its servers', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady({ _CONSUL_WAIT: '1s', _AMBASSADOR_VERIFY_UPSTREAM: 'true' });
    const known = await answersOf(bed);
    const oldLeaf = bed.entry('tls.crt');
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    const published = ['tls.crt', 'ca.crt'].map((name) => bed.entry(name));
    const writes = bed.cluster.writes();

    for (const [target, answer] of known)
      bed.consul.script(target, (request) => {
        if (request.query.has('index')) return refusals.noClusterLeader;
        return target === 'roots' ? withAge(answer, 86_400) : answer;
      });
    await daemon.line(({ code }) => code === 'CONSUL_NO_SERVERS');
    // Several queries of a second each.
    await sleep(5_000);

    assert.deepEqual(
      ['tls.crt', 'ca.crt'].map((name) => bed.entry(name)),
      published,
    );
    assert.equal(bed.cluster.writes(), writes);
  });

  test('C15: from one of two agents that are queried in turn', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady({ _CONSUL_WAIT: '1s' });
    const behind = (await answersOf(bed)).get('roots');
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

    await eventually('ten answers', () => queries > 10);
    assert.equal(bed.cluster.writes('Secret'), writes);
  });
});
