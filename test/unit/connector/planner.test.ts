import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Planner } from '../../../src/connector/planner.ts';
import type { Published } from '../../../src/identity/published.ts';
import { ANYWHERE } from '../../../src/identity/spiffe-id.ts';
import {
  bundleOf,
  listing,
  listRoot,
  material,
  NOW,
  newLeaf,
  newRoot,
  publishedAs,
  SECOND,
  SERVICE,
} from '../identity/support.ts';

const [oldRoot, newerRoot] = await Promise.all([newRoot(), newRoot()]);
const [oldLeaf, newerLeaf] = await Promise.all([newLeaf(oldRoot), newLeaf(newerRoot)]);

const oldRoots = listing(listRoot(oldRoot));
const noRoots = { ...oldRoots, roots: [] };
const asPublished = withIndex(publishedAs(oldLeaf, bundleOf(oldRoot)), 7n);
/** What another replica publishes after a rotation. */
const asRotated = withIndex(publishedAs(newerLeaf, bundleOf(newerRoot, oldRoot)), 9n);

function withIndex(published: Published, rootsIndex: bigint): Published {
  return { ...published, upstreamCaPem: undefined, rootsIndex };
}

function answer(index: bigint) {
  return { freshness: 'fresh', index, wentBack: false, isOutdated: false } as const;
}

/** A planner that has seen the roots and the leaf of before the rotation published. */
function plannerBeforeRotation() {
  const time = { now: NOW };
  const clock = {
    now: () => time.now,
    monotonic: () => time.now,
    random: () => 0,
    sleep: async () => undefined,
  };
  const planner = new Planner({ service: SERVICE, scope: ANYWHERE, verifiesUpstream: false, clock });
  planner.setRoots(oldRoots);
  planner.rootsAnswered(answer(7n));
  planner.setLeaf(material(oldLeaf));
  planner.plan(asPublished);
  time.now += 2 * SECOND;
  planner.rootsAnswered(answer(7n));
  return { planner, time };
}

for (const index of [7n, 9n, 10n]) {
  test(`roots that cannot be used, with index ${index}, confirm none of before over what another replica published`, () => {
    const { planner, time } = plannerBeforeRotation();

    planner.plan(asRotated);
    planner.setRoots(noRoots);
    planner.setLeaf(material(newerLeaf));
    for (let second = 0; second < 90; second += 1) {
      time.now += SECOND;
      planner.rootsAnswered(answer(index));
      const plan = planner.plan(asRotated);

      assert.ok(plan.kind === 'planned');
      assert.equal(plan.rootsRejected?.code, 'NO_ROOT');
      assert.ok(plan.decision.kind === 'keep', `second ${second}: ${plan.decision.kind}`);
      assert.deepEqual(plan.decision.bundle, { kind: 'unconfirmed' }, `second ${second}`);
    }
  });
}

test('roots that Consul removes are published as removed, once it has answered with some that can be used', () => {
  const { planner, time } = plannerBeforeRotation();
  planner.plan(asRotated);
  planner.setRoots(noRoots);
  planner.rootsAnswered(answer(9n));
  planner.plan(asRotated);

  planner.setRoots(listing(listRoot(newerRoot)));
  planner.setLeaf(material(newerLeaf));
  time.now += 2 * SECOND;
  planner.rootsAnswered(answer(12n));
  const plan = planner.plan(asRotated);

  assert.ok(plan.kind === 'planned' && plan.decision.kind === 'keep');
  assert.equal(plan.decision.bundle.kind, 'update');
  assert.equal(plan.rootsIndex, 12n);
});
