import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Planner } from '../../../src/connector/planner.ts';
import type { Plan } from '../../../src/identity/policy/plan.ts';
import type { Published } from '../../../src/identity/published.ts';
import { ANYWHERE } from '../../../src/identity/spiffe-id.ts';
import {
  bundleOf,
  HOUR,
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
import { clockOf } from './support.ts';

const [oldRoot, newerRoot] = await Promise.all([newRoot(), newRoot()]);
const [oldLeaf, newerLeaf] = await Promise.all([newLeaf(oldRoot), newLeaf(newerRoot)]);

const endingLeaf = await newLeaf(newerRoot, { from: NOW - 95 * HOUR });

const oldRoots = listing(listRoot(oldRoot));
const noRoots = { ...oldRoots, roots: [] };
const asPublished = withIndex(publishedAs(oldLeaf, bundleOf(oldRoot)), 7n);
/** What another replica publishes after a rotation. */
const asRotated = withIndex(publishedAs(newerLeaf, bundleOf(newerRoot, oldRoot)), 9n);

function withIndex(published: Published, rootsIndex: bigint | undefined): Published {
  return { ...published, upstreamCaPem: undefined, rootsIndex };
}

function answer(index: bigint) {
  return { freshness: 'fresh', index, wentBack: false, isOutdated: false } as const;
}

/** What a plan that keeps the leaf does with the bundle. */
function bundleOfKept(plan: Plan) {
  assert.ok(plan.kind === 'planned' && plan.decision.kind === 'keep');
  return plan.decision.bundle;
}

/** A planner before a rotation, with the old roots and leaf published. */
function plannerBeforeRotation() {
  const time = { now: NOW };
  const options = { service: SERVICE, scope: ANYWHERE, verifiesUpstream: false };
  const planner = new Planner({ ...options, clock: clockOf(time) });
  planner.setRoots(oldRoots);
  planner.rootsAnswered(answer(7n));
  planner.setLeaf(material(oldLeaf));
  planner.plan(asPublished);
  time.now += 2 * SECOND;
  planner.rootsAnswered(answer(7n));
  return { planner, time };
}

for (const index of [7n, 9n, 10n]) {
  test(`roots that cannot be used, with index ${index}, do not confirm the previous ones over those of another replica`, () => {
    const { planner, time } = plannerBeforeRotation();

    planner.plan(asRotated);
    planner.setRoots(noRoots);
    planner.setLeaf(material(newerLeaf));
    for (let second = 0; second < 90; second += 1) {
      time.now += SECOND;
      planner.rootsAnswered(answer(index));
      const plan = planner.plan(asRotated);

      assert.equal(plan.rootsRejected?.code, 'NO_ROOT');
      assert.deepEqual(bundleOfKept(plan), { kind: 'unconfirmed' }, `second ${second}`);
    }
  });
}

test('two lists with one index, as after a restored snapshot, are confirmed only by a fresh answer', () => {
  const { planner, time } = plannerBeforeRotation();
  const ofTheSameIndex = { ...asRotated, rootsIndex: 7n };

  const before = planner.plan(ofTheSameIndex);
  time.now += SECOND;
  planner.rootsAnswered(answer(7n));
  const after = planner.plan(ofTheSameIndex);

  assert.ok(before.kind === 'planned' && before.decision.kind === 'keep');
  assert.deepEqual(before.decision.bundle, { kind: 'unconfirmed' });
  assert.equal(before.decision.recheckAt, time.now);
  assert.ok(after.kind === 'planned' && after.decision.kind !== 'none');
  assert.equal(after.decision.content.caCrt, bundleOf(oldRoot).pem);
});

for (const index of [9n, undefined]) {
  test(`a leaf that replaces an ending one below roots of another replica, with index ${index}, does not confirm the previous roots`, () => {
    const { planner, time } = plannerBeforeRotation();
    const ending = withIndex(publishedAs(endingLeaf, bundleOf(newerRoot, oldRoot)), index);
    planner.setLeaf(material(newerLeaf));

    const replaced = planner.plan(ending);
    assert.ok(replaced.kind === 'planned' && replaced.decision.kind === 'replace');
    assert.equal(replaced.decision.content.caCrt, ending.caPem);
    assert.equal(replaced.rootsIndex, index, 'the index is that of the roots that stay');
    planner.wrote(replaced);
    time.now += SECOND;
    const next = planner.plan({ ...asRotated, rootsIndex: index });

    assert.deepEqual(bundleOfKept(next), { kind: 'unconfirmed' });
  });
}

test('roots that Consul removes are removed once it has answered with some that can be used', () => {
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

  assert.equal(bundleOfKept(plan).kind, 'update');
  assert.ok(plan.kind === 'planned');
  assert.equal(plan.rootsIndex, 12n);
});
