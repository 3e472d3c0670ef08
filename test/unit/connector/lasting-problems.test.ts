import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastingProblems } from '../../../src/connector/lasting-problems.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

for (const [what, everyMs, minutes, kindAt, expected] of [
  [
    'that stays the same is reported when it begins, and then every five minutes',
    10 * SECOND,
    20,
    () => 'refused',
    [0, 300, 600, 900],
  ],
  [
    'that alternates with another is reported as often as one',
    10 * SECOND,
    4,
    (at: number) => (at % (20 * SECOND) === 0 ? 'refused' : 'timeout'),
    [0, 10],
  ],
  [
    'that differs each time is reported twenty times, and then every five minutes',
    SECOND,
    20,
    (at: number) => `text ${at}`,
    [...Array(20).keys(), 319, 619, 919],
  ],
] as const) {
  test(`a problem ${what}`, () => {
    const time = { now: 0 };
    const problems = new LastingProblems({ monotonic: () => time.now });
    const seconds: number[] = [];
    for (; time.now < minutes * MINUTE; time.now += everyMs) {
      if (problems.isDue('roots', kindAt(time.now))) seconds.push(time.now / SECOND);
    }
    assert.deepEqual(seconds, expected);
  });
}

test('its end returns its duration once, and then it can begin again', () => {
  const time = { now: 7 };
  const problems = new LastingProblems({ monotonic: () => time.now });
  problems.isDue('roots', 'refused');
  time.now += MINUTE;
  problems.isDue('roots', 'refused');

  assert.equal(problems.end('leaf'), undefined);
  assert.equal(problems.has('roots'), true);
  assert.equal(problems.end('roots'), MINUTE);
  assert.equal(problems.end('roots'), undefined);
  assert.equal(problems.isDue('roots', 'refused'), true);
});
