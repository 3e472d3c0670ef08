import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { thenEnd } from '../../../bench/cleanup.ts';
import { type Running, run, whileRunning } from '../../../bench/process.ts';

const FOR_EVER = 'setInterval(() => {}, 1000)';

function node(program: string): Running {
  return run({ name: 'it', command: process.execPath, args: ['-e', program], cwd: '/', env: {} });
}

test('a process that ends by itself ends the measurement, with its code and its last output', async () => {
  const running = node('process.stderr.write("no disk\\n", () => process.exit(3))');
  const never = () => new Promise<void>(() => undefined);
  await assert.rejects(
    whileRunning([running], never),
    new Error('it ended by itself, with code 3; the last it said:\nno disk'),
  );
});

test('every clean-up is run, and the error of the measurement comes first', async () => {
  const done: string[] = [];
  const failing = (text: string) => async (): Promise<never> => {
    throw new Error(text);
  };

  const ended = thenEnd(
    failing('measurement'),
    async () => done.push('process'),
    failing('stage'),
    async () => done.push('server'),
  );

  await assert.rejects(ended, new Error('measurement\nand during clean-up: stage'));
  assert.deepEqual(done, ['process', 'server']);
});

test('a process that the measurement stopped is no failure', async () => {
  const running = node(FOR_EVER);
  const result = await whileRunning([running], async () => {
    await sleep(50);
    await running.stop();
    return 7;
  });
  assert.equal(result, 7);
});
