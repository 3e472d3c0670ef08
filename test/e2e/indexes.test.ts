import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { withIndex } from '../fixtures/consul/answer.ts';
import { type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { assertBounded } from './support/holds.ts';

const WITHIN_MS = 60_000;
const FEW_REQUESTS = 4;

describe('the index is never trusted', { concurrency: 4 }, () => {
  test('1: index 100, then 40: the next query carries no index, the content is applied', async (t) => {
    await appliesUnder(t, '40');
  });

  for (const index of ['0', undefined, 'abc']) {
    test(`2: index ${index ?? 'missing'}: content applied, next query without index, and no hot loop`, async (t) => {
      await appliesUnder(t, index);
    });
  }

  test('3: same index, new content: published', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('roots', async (_request, truth) => withIndex(await truth.now(), 100));
    await bed.startReady();

    await bed.consul.rotateRoot();

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2, WITHIN_MS);
  });

  test('3: new index, same content: no write', async (t) => {
    const bed = await makeBed(t);
    let index = 100;
    bed.consul.script('roots', async (_request, truth) => {
      index += 1;
      return withIndex(await truth.now(), index);
    });
    await bed.startReady();
    const writes = bed.cluster.writes();

    await eventually('several indexes', () => rootsRequests(bed).length >= FEW_REQUESTS, WITHIN_MS);

    const sent = rootsRequests(bed).map(({ query }) => query.get('index'));
    assert.deepEqual(sent.slice(0, FEW_REQUESTS), [null, '101', '102', '103']);
    assert.equal(bed.cluster.writes(), writes);
  });
});

/** The first answer is under 100; the second has a new root, under `index`. */
async function appliesUnder(t: TestContext, index: string | undefined): Promise<void> {
  const bed = await makeBed(t);
  const startedAt = performance.now();
  let rotate = (): void => undefined;
  const rotated = new Promise<void>((resolve) => {
    rotate = resolve;
  });
  bed.consul.script('roots', async (request, truth) => {
    if (rootsRequests(bed).length === 1) return withIndex(await truth.now(), 100);
    if (request.query.get('index') === '100') await rotated;
    return withIndex(await truth.now(), index);
  });
  await bed.startReady();
  await eventually('the query with an index', () => rootsRequests(bed).length === 2, WITHIN_MS);

  await bed.consul.rotateRoot();
  rotate();

  await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2, WITHIN_MS);
  await eventually('more queries', () => rootsRequests(bed).length >= 5, WITHIN_MS);
  const sent = rootsRequests(bed).map(({ query }) => query.get('index'));
  assert.deepEqual(sent.slice(0, 3), [null, '100', null]);
  assertBounded(sent.length, performance.now() - startedAt);
}

function rootsRequests(bed: Bed) {
  return bed.consul.requests.filter(({ target }) => target === 'roots');
}
