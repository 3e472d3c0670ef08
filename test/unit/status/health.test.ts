import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './support.ts';

test('a loop that has not turned for longer than a healthy one may is told, by its name', () => {
  const scene = new Scene();

  scene.at += 1_000;
  scene.health.heartbeat('roots');
  scene.health.heartbeat('publish');
  assert.deepEqual(scene.health.liveness(), { ok: true, text: 'ok' });

  scene.at += 1;
  assert.deepEqual(scene.health.liveness(), { ok: false, text: 'leaf has not turned for 1001 ms' });

  scene.health.heartbeat('leaf');
  assert.equal(scene.health.liveness().ok, true);
});

for (const [what, ms] of [
  ['forward', 86_400_000],
  ['back', -86_400_000],
] as const) {
  test(`a clock that is set ${what} by a day is no reason to restart, and hides none`, () => {
    const scene = new Scene();

    scene.setForwardMs = ms;
    assert.equal(scene.health.liveness().ok, true);

    scene.at += 1_001;
    assert.equal(scene.health.liveness().ok, false);
  });
}
