import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastingProblems } from '../../../src/connector/lasting-problems.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function problemsAt(time: { now: number }): LastingProblems {
  return new LastingProblems({ monotonic: () => time.now });
}

test('a problem that is met every ten seconds for an hour is told when it begins, and then every five minutes', () => {
  const time = { now: 0 };
  const problems = problemsAt(time);
  const told: number[] = [];

  for (; time.now < 60 * MINUTE; time.now += 10 * SECOND) {
    if (problems.isDue('roots', 'refused')) told.push(time.now / MINUTE);
  }

  assert.deepEqual(told, [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
});

test('it is told when it changes, and two that take turns are told as often as one', () => {
  const time = { now: 0 };
  const problems = problemsAt(time);
  const told: string[] = [];

  for (; time.now < 4 * MINUTE; time.now += 10 * SECOND) {
    const kind = time.now % (20 * SECOND) === 0 ? 'refused' : 'timeout';
    if (problems.isDue('roots', kind)) told.push(kind);
  }

  assert.deepEqual(told, ['refused', 'timeout']);
});

test('one that is another each time is told twenty times, and then every five minutes', () => {
  const time = { now: 0 };
  const problems = problemsAt(time);
  const told: number[] = [];

  for (; time.now < 20 * MINUTE; time.now += SECOND) {
    if (problems.isDue('roots', `text ${time.now}`)) told.push(time.now / SECOND);
  }

  assert.deepEqual(told, [...Array(20).keys(), 319, 619, 919]);
});

test('its end says how long it lasted, once, and the next one begins anew', () => {
  const time = { now: 7 };
  const problems = problemsAt(time);
  problems.isDue('roots', 'refused');
  time.now += MINUTE;
  problems.isDue('roots', 'refused');

  assert.equal(problems.end('leaf'), undefined);
  assert.equal(problems.has('roots'), true);
  assert.equal(problems.end('roots'), MINUTE);
  assert.equal(problems.end('roots'), undefined);
  assert.equal(problems.isDue('roots', 'refused'), true);
});
