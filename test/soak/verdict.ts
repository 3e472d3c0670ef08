import assert from 'node:assert/strict';
import { leftOver } from './probe.ts';
import type { SoakReport } from './soak.ts';

/**
 * After the warm-up, whatever the length of the run. A minute sees about a hundred changes, so that it shows a leak of
 * some 4 KiB a change, which is less than one leaf takes; a longer run shows a smaller one.
 */
const MAX_HEAP_GROWTH_KIB = 384;
/** For a loaded machine with few changes: KiB per 1,000 changes, less two standard errors. */
const MAX_HEAP_SLOPE_KIB = 10_000;
/** Outside the heap the allocator keeps free pages. */
const MAX_RSS_GROWTH_KIB = 16 * 1_024;

/** Checks a run of any length. @throws AssertionError */
export function assertSound(report: SoakReport): void {
  const { wrong, start, end, restarts, replicas, faults, seconds, heap, rss } = report;
  assert.deepEqual(wrong, []);
  assert.deepEqual(leftOver(start, end), []);
  assert.equal(restarts, 2);
  assert.ok(replicas >= 2, `only ${replicas} replicas started and stopped`);
  const done = Object.values(faults).reduce((sum, count) => sum + count, 0);
  assert.ok(done >= seconds / 3, `only ${done} faults in ${seconds} s`);
  assert.ok(heap.total < MAX_HEAP_GROWTH_KIB, `the heap grew by ${heap.total} KiB after the warm-up`);
  const slope = heap.perThousandChanges - 2 * heap.standardError;
  assert.ok(slope < MAX_HEAP_SLOPE_KIB, `the heap grew by ${slope} KiB per 1,000 changes at least`);
  assert.ok(rss.total < MAX_RSS_GROWTH_KIB, `RSS grew by ${rss.total} KiB after the warm-up`);
}
