import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';
import type { Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

/** Runs its arguments at a terminal of its own; none of them has a space. */
const AT_A_TERMINAL = ['sh', '-c', 'exec script --quiet --return --command "exec $*" /dev/null', 'sh'];
const PRETTY = /^\d\d:\d\d:\d\d\.\d{3} INFO {2}serving status {2}host=127\.0\.0\.1 {2}port=\d+\r?$/m;
const COLOUR = '\u001b[33m';
/** Warned of at the start. */
const MISSPELT = { _CONSUL_PROT: '8500' };

async function started(daemon: Daemon): Promise<string> {
  await eventually('the line', () => daemon.stdout.includes('serving status'));
  return daemon.stdout;
}

test('at a terminal the log is for people, with warnings in colour', async (t) => {
  const bed = await makeBed(t);

  const text = await started(bed.start(MISSPELT, [], AT_A_TERMINAL));

  assert.match(text, PRETTY);
  assert.ok(text.includes(COLOUR), text);
});

test('NO_COLOR leaves the colours out', async (t) => {
  const bed = await makeBed(t);

  const text = await started(bed.start({ ...MISSPELT, NO_COLOR: '1' }, [], AT_A_TERMINAL));

  assert.match(text, PRETTY);
  assert.ok(!text.includes('\u001b'), text);
});

test('_LOG_FORMAT=json is JSON at a terminal too', async (t) => {
  const bed = await makeBed(t);

  const text = await started(bed.start({ _LOG_FORMAT: 'json' }, [], AT_A_TERMINAL));

  assert.match(text, /^\{"level":"info",.*"msg":"serving status"\}\r?$/m);
});

test('_LOG_FORMAT=pretty is for people in a pipe too, and without colours', async (t) => {
  const bed = await makeBed(t);

  const text = await started(bed.start({ ...MISSPELT, _LOG_FORMAT: 'pretty' }));

  assert.match(text, PRETTY);
  assert.ok(!text.includes('\u001b'), text);
});
