import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FollowingLeaf } from '../../../src/connector/following-leaf.ts';
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

// Times in milliseconds after the new roots.
for (const { name, changedAt = [], answeredAt = [], refetchedAt, settledAt } of [
  {
    name: 'new roots wait for a new leaf from the blocked query, and send no other',
    changedAt: [20],
    refetchedAt: [],
    settledAt: 20,
  },
  {
    name: 'if the blocked query returns the same leaf, it is sent again after 100 ms (consul PR #15005)',
    answeredAt: [20, 120],
    refetchedAt: [100],
    settledAt: 120,
  },
  {
    name: 'new roots wait for at most 250 ms',
    refetchedAt: [100],
    settledAt: 250,
  },
  {
    name: 'a leaf that arrived just before the new roots may be theirs: the query is sent again at once',
    changedAt: [-20],
    answeredAt: [5],
    refetchedAt: [0],
    settledAt: 5,
  },
]) {
  test(name, async () => {
    const time = new VirtualTime(START, () => 0);
    const { signal } = new AbortController();
    const following = new FollowingLeaf(time.clock);
    const roots = START + 1_000;
    const refetched: number[] = [];
    let settled: number | undefined;
    for (const at of changedAt) time.at(roots + at, () => following.leafChanged());
    for (const at of answeredAt) time.at(roots + at, () => following.leafAnswered());
    time.at(roots, () => {
      following.rootsChanged(() => refetched.push(time.now - roots), signal);
      void following.settled.then(() => {
        settled = time.now - roots;
      });
    });

    await time.run(roots + 1_000, () => undefined);

    assert.deepEqual(refetched, refetchedAt);
    assert.equal(settled, settledAt);
  });
}
