import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../../../src/cli/check/check.ts';
import { CHECK_DEADLINE_MS, checkUntilGood } from '../../../../src/cli/check/wait.ts';
import { seededRandom, VirtualTime } from '../../../simulation/virtual-time.ts';

const GOOD: Report = { ok: true, configured: true, rows: [] };
const BAD_CONFIGURATION: Report = { ok: false, configured: false, rows: [] };
const MINUTE_MS = 60_000;

function failure(detail: string, code?: string): Report {
  const row = { check: 'consul', what: 'reach Consul', status: 'fail', detail } as const;
  return { ok: false, configured: true, rows: [code === undefined ? row : { ...row, code }] };
}

/** A permission that could not be reviewed in time. */
const UNKNOWN: Report = {
  ok: true,
  configured: true,
  rows: [{ check: 'right', what: 'right', status: 'warn', detail: 'no answer', code: 'KUBERNETES_TIMEOUT' }],
};

interface Outcome {
  readonly report: Report | undefined;
  readonly tookMs: number;
  readonly deadlines: readonly number[];
}

/** Waits with this check; the first check has number 1. Only its sleeps take time. */
async function waited(
  waitMs: number,
  check: (number: number, time: VirtualTime, deadlineMs: number) => Promise<Report>,
): Promise<Outcome> {
  const time = new VirtualTime(0, seededRandom(1));
  const deadlines: number[] = [];
  let tookMs: number | undefined;
  const waiting = checkUntilGood(
    (deadlineMs) => {
      deadlines.push(deadlineMs);
      return check(deadlines.length, time, deadlineMs);
    },
    waitMs,
    time.clock,
    new AbortController().signal,
  ).finally(() => {
    tookMs = time.now;
  });
  await time.run(
    2 * waitMs,
    () => undefined,
    () => tookMs !== undefined,
  );
  return { report: await waiting, tookMs: tookMs ?? assert.fail('it has not ended'), deadlines };
}

const lasting = (time: VirtualTime, ms: number): Promise<void> =>
  time.sleep(ms, new AbortController().signal);

test('a check that keeps failing ends in time, with the last failure', async () => {
  const { report, tookMs, deadlines } = await waited(MINUTE_MS, async (number, time) => {
    await lasting(time, 700);
    return failure(`failure ${number}`);
  });
  assert.ok(tookMs <= MINUTE_MS && tookMs > MINUTE_MS - 5_000, `${tookMs} ms`);
  assert.ok(deadlines.length > 15, `${deadlines.length} checks`);
  const [row] = report?.rows ?? [];
  assert.match(row?.detail ?? '', new RegExp(`^failure (${deadlines.length}|${deadlines.length - 1})$`));
});

for (const [what, cutShort] of [
  ['fails', failure('cut short', 'CONSUL_TIMEOUT')],
  ['fails nothing', UNKNOWN],
] as const) {
  test(`a check that the deadline cut short does not replace the report of a complete one if it ${what}`, async () => {
    const { report, tookMs } = await waited(15_000, async (number, time, deadlineMs) => {
      if (number === 1) return failure('the real problem');
      await lasting(time, deadlineMs);
      return deadlineMs < CHECK_DEADLINE_MS ? cutShort : failure('whole', 'CONSUL_TIMEOUT');
    });
    assert.ok(tookMs <= 15_000, `${tookMs} ms`);
    assert.equal(report?.rows[0]?.detail, 'whole');
  });
}

test('a check that does not end is abandoned at the deadline', async () => {
  const never = new Promise<Report>(() => undefined);
  const first = await waited(MINUTE_MS, () => never);
  const second = await waited(MINUTE_MS, async (number) => (number === 1 ? failure('seen') : never));
  assert.deepEqual([first.report, first.tookMs], [undefined, MINUTE_MS]);
  assert.equal(second.report?.rows[0]?.detail, 'seen');
  assert.equal(second.tookMs, MINUTE_MS);
});

for (const [what, report] of [
  ['that passes', GOOD],
  ['of a bad configuration', BAD_CONFIGURATION],
  ['without a failure, though not every answer arrived in time', UNKNOWN],
] as const) {
  test(`a check ${what} is not repeated`, async () => {
    const found = await waited(MINUTE_MS, async () => report);
    assert.deepEqual(found, { report, tookMs: 0, deadlines: [CHECK_DEADLINE_MS] });
  });
}
