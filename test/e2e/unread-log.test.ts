import assert from 'node:assert/strict';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '../fixtures/servers/http.ts';
import { freePort } from '../fixtures/servers/ports.ts';
import { makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { makeSilentPipe } from './support/hanging.ts';
import { temporary } from './support/temporary.ts';

/** Two seconds, and room as for any stop. */
const STOP_WITHIN_MS = 7_000;

test('K15: with a full pipe that nobody reads as its standard output it publishes, answers and stops', async (t) => {
  const bed = await makeBed(t);
  const pipe = makeSilentPipe(join(temporary(), 'stdout'));
  const held = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  t.after(() => closeSync(held));
  fill(held);
  const port = await freePort();

  const launcher = ['sh', '-c', 'exec "$@" >"$0"', pipe];
  const daemon = bed.start({ _HTTP_PORT: String(port) }, [], launcher);

  await eventually('it is ready', () =>
    ask(`http://127.0.0.1:${port}/readyz`).then(
      ({ status }) => status === 200,
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
