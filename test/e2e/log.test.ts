import assert from 'node:assert/strict';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../fixtures/servers/ports.ts';
import { makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { makeSilentPipe } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

/** Two seconds, and room as for any stop. */
const STOP_WITHIN_MS = 7_000;
/** Runs its arguments in a terminal of its own; none of them contains a space. */
const AT_A_TERMINAL = ['sh', '-c', 'exec script --quiet --return --command "exec $*" /dev/null', 'sh'];
const PRETTY = /^\d\d:\d\d:\d\d\.\d{3} INFO {2}serving status {2}host=127\.0\.0\.1 {2}port=\d+\r?$/m;
const JSON_LINE = /^\{"level":"info",.*"msg":"serving status"\}\r?$/m;
/** Causes a warning at the start, in colour. */
const MISSPELT = { _CONSUL_PROT: '8500' };
const COLOUR = '\u001b[33m';

for (const [what, env, launcher, line, hasColour] of [
  ['at a terminal the log is human-readable, with warnings in colour', {}, AT_A_TERMINAL, PRETTY, true],
  ['NO_COLOR disables the colours', { NO_COLOR: '1' }, AT_A_TERMINAL, PRETTY, false],
  ['_LOG_FORMAT=json is JSON at a terminal too', { _LOG_FORMAT: 'json' }, AT_A_TERMINAL, JSON_LINE, false],
  ['_LOG_FORMAT=pretty is human-readable in a pipe too', { _LOG_FORMAT: 'pretty' }, [], PRETTY, false],
] as const) {
  test(what, async (t) => {
    const bed = await makeBed(t);

    const daemon = bed.start({ ...MISSPELT, ...env }, [], launcher);
    await eventually('the line', () => daemon.stdout.includes('serving status'));

    assert.match(daemon.stdout, line);
    assert.equal(daemon.stdout.includes(COLOUR), hasColour, daemon.stdout);
  });
}

test('K15: with a full, unread pipe as its standard output the daemon publishes, answers and stops', async (t) => {
  const bed = await makeBed(t);
  const pipe = makeSilentPipe(join(temporary(), 'stdout'));
  const held = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => closeSync(held));
  fill(held);
  const port = await freePort();

  const launcher = ['sh', '-c', 'exec "$@" >"$0"', pipe];
  const daemon = bed.start({ _HTTP_PORT: String(port) }, [], launcher);

  await eventually('it is ready', () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  await eventually('the Secret', () => bed.secret() !== undefined);
  const { code, ms } = await daemon.stop();
  assert.equal(code, 0);
  assert.ok(ms < STOP_WITHIN_MS, `${ms} ms`);
});

function fill(pipe: number): void {
  try {
    for (;;) writeSync(pipe, 'x'.repeat(4_096));
  } catch (error) {
    assert.equal(Object(error).code, 'EAGAIN');
  }
}
