import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, withAge } from '../fixtures/consul/answer.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';

/** Several queries of a second each. */
const LONG_ENOUGH_MS = 5_000;

/**
 * Records Consul's answers of now. Once the returned function is called, Consul answers as an agent that lost its servers a
 * day ago: with these answers, and with an error to each query with an index.
 */
async function loseServersLater(bed: Bed): Promise<() => void> {
  const known = new Map<'roots' | 'leaf', Answer>();
  for (const target of ['roots', 'leaf'] as const)
    bed.consul.script(target, async (_request, truth) => {
      known.set(target, await truth.now());
      return undefined;
    });
  await eventually('both are known', () => known.size === 2);
  bed.consul.clearScripts();
  return () => {
    for (const [target, answer] of known)
      bed.consul.script(target, (request) => {
        if (request.query.has('index')) return refusals.noClusterLeader;
        return target === 'roots' ? withAge(answer, 86_400) : answer;
      });
  };
}

describe('C9: an agent that lost its servers before a rotation reverts nothing that was published from a fresh answer:', {
  concurrency: 3,
}, () => {
  for (const [what, { inFolder, verifyUpstream }] of [
    ['in the Secret', { inFolder: false, verifyUpstream: 'false' }],
    ['in the Secrets of a gateway that verifies', { inFolder: false, verifyUpstream: 'true' }],
    ['in the folder', { inFolder: true, verifyUpstream: 'true' }],
  ] as const) {
    test(what, async (t) => {
      const bed = await makeBed(t);
      const folder = join(temporary(), 'published');
      const entry = (name: string) => (inFolder ? readFileSync(join(folder, name), 'utf8') : bed.entry(name));
      const daemon = await bed.startReady({
        _CONSUL_WAIT: '1s',
        _AMBASSADOR_VERIFY_UPSTREAM: verifyUpstream,
        ...(inFolder && { _OUTPUT_DIR: folder }),
      });
      const loseServers = await loseServersLater(bed);
      const oldLeaf = entry('tls.crt');
      await bed.consul.rotateRoot({ leafDelayMs: 0 });
      await eventually('the new leaf', () => entry('tls.crt') !== oldLeaf);
      await eventually('both roots', () => certificates(entry('ca.crt')).length === 2);
      const published = ['tls.crt', 'ca.crt'].map(entry);
      const writes = bed.cluster.writes();

      loseServers();
      await daemon.line(({ code }) => code === 'CONSUL_NO_SERVERS');
      await sleep(LONG_ENOUGH_MS);

      assert.deepEqual(['tls.crt', 'ca.crt'].map(entry), published);
      assert.equal(bed.cluster.writes(), writes);
    });
  }
});
