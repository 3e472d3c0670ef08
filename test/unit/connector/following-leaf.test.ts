import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published } from '../../../src/identity/published.ts';
import type { Publication, WriteOutcome } from '../../../src/publish/publisher.ts';
import { ConsulModel } from '../../simulation/consul-model.ts';
import { MemoryTarget } from '../../simulation/memory-target.ts';
import { VirtualTime } from '../../simulation/virtual-time.ts';
import { newConnector } from './support.ts';

const START = Date.parse('2027-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;

/** Records the index of the roots, as the real targets do: without it each list of roots is unconfirmed for five seconds. */
class IndexedTarget extends MemoryTarget {
  #rootsIndex: bigint | undefined;

  override async read(): Promise<Published | undefined> {
    const published = await super.read();
    return published && { ...published, rootsIndex: this.#rootsIndex };
  }

  override async write(publication: Publication): Promise<WriteOutcome> {
    this.#rootsIndex = publication.rootsIndex;
    return super.write(publication);
  }
}

for (const { name, random, writesAfter } of [
  { name: 'new roots and the leaf that follows at once are one write', random: 0, writesAfter: [1, 1] },
  { name: 'new roots do not wait for a leaf that takes seconds', random: 0.5, writesAfter: [1, 2] },
]) {
  test(name, async () => {
    // The agent takes this share of half a minute until it has a leaf of the new root.
    const time = new VirtualTime(START, () => random);
    const consul = await ConsulModel.start(time, 24 * HOUR_MS);
    const publisher = new IndexedTarget(() => undefined);
    const end = new AbortController();
    const connector = newConnector({ consul, publisher, clock: time.clock, waitMs: HOUR_MS });
    const running = connector.run(end.signal);
    await time.run(START + 10_000, () => undefined);
    const before = publisher.writes;

    await consul.rotate(false);
    const [root] = consul.roots;
    for (const [seconds, writes] of [
      [1, writesAfter[0]],
      [20, writesAfter[1]],
    ] as const) {
      await time.run(START + 10_000 + seconds * 1_000, () => undefined);
      assert.equal(publisher.writes - before, writes, `${seconds} s after the rotation`);
      assert.ok(publisher.published?.caPem?.includes(root?.certPem ?? 'no root'));
    }

    end.abort();
    await running;
  });
}
