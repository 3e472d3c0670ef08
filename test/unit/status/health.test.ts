import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleOf, HOUR, NOW, newRoot } from '../identity/support.ts';
import { Scene } from './support.ts';

test('a loop without progress for longer than a healthy one is reported by its name', () => {
  const scene = new Scene();

  scene.at += 1_000;
  scene.health.heartbeat('roots');
  scene.health.heartbeat('publish');
  assert.deepEqual(scene.health.liveness(), { ok: true, text: 'ok' });

  scene.at += 1;
  assert.deepEqual(scene.health.liveness(), { ok: false, text: 'leaf has made no progress for 1001 ms' });

  scene.health.heartbeat('leaf');
  assert.equal(scene.health.liveness().ok, true);
});

for (const [what, ms] of [
  ['forward', 86_400_000],
  ['back', -86_400_000],
] as const) {
  test(`a clock that is set ${what} by a day does not fail the liveness probe, and hides no failure`, () => {
    const scene = new Scene();
    scene.setForwardMs = ms;
    assert.equal(scene.health.liveness().ok, true);
    scene.at += 1_001;
    assert.equal(scene.health.liveness().ok, false);
  });
}

test('I1: with an intermediate that ends first, the daemon is unready when a tenth of its lifetime is left', async () => {
  const scene = new Scene();
  const root = await newRoot();
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  await scene.publish(dying, bundleOf(root));

  const verdicts = [0.9, 0.9001, 1.5].map((hours) => {
    scene.at = NOW + hours * HOUR;
    const { ok, text, reasons } = scene.health.readiness();
    return [ok, text, ...reasons];
  });

  assert.deepEqual(verdicts, [
    [true, 'ok'],
    [false, 'the published leaf expires at 2030-01-15T13:00:00.000Z', 'expiring'],
    [false, 'the published leaf expired at 2030-01-15T13:00:00.000Z', 'expiring'],
  ]);
});
