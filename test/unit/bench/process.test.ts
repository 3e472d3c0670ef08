import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Running, run, whileRunning } from '../../../bench/process.ts';

const FOR_EVER = 'setInterval(() => {}, 1000)';

function node(program: string): Running {
  return run({ name: 'it', command: process.execPath, args: ['-e', program], cwd: '/', env: {} });
}

test('a process that ends by itself ends the measurement, with its code and the last that it said', async () => {
  const running = node('process.stderr.write("no disk\\n", () => process.exit(3))');
  const never = () => new Promise<void>(() => undefined);
  await assert.rejects(
    whileRunning([running], never),
    new Error('it ended by itself, with code 3; the last it said:\nno disk'),
  );
});

test('a process that was killed says by which signal', async () => {
  const running = node('process.kill(process.pid, "SIGKILL")');
  await assert.rejects(running.failed, /ended by itself, with SIGKILL; it said nothing/);
  await assert.rejects(running.stop(), /ended by itself, with SIGKILL/);
});

test('what goes wrong in ending stands behind the error of the measurement', async () => {
  const running = node('process.exit(1)');
  await running.failed.catch(() => undefined);
  const measure = async (): Promise<never> => {
    throw new Error('no such Secret');
  };
  await assert.rejects(
    whileRunning([running, node(FOR_EVER)], measure),
    new Error('no such Secret\nand in ending: it ended by itself, with code 1; it said nothing'),
  );
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

test('a program that cannot be started is named', () => {
  assert.throws(
    () => run({ name: 'it', command: '/nowhere', args: [], cwd: '/', env: {} }),
    new Error('/nowhere cannot be started'),
  );
});
