/** Simulates a year in seconds: npm run year [-- --seed N]. Prints the number of writes and the minimum possible. */
import { parseArgs } from 'node:util';
import { DAY_MS, type Event, HOUR_MS, type Result, simulate } from '../test/simulation/simulate.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' } } });
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const RUNS = [
  ['1 h', HOUR_MS, 14 * DAY_MS],
  ['24 h', DAY_MS, 365 * DAY_MS],
  ['72 h', 3 * DAY_MS, 365 * DAY_MS],
  ['30 days', 30 * DAY_MS, 3 * 365 * DAY_MS],
  ['1 year', 365 * DAY_MS, 12 * 365 * DAY_MS],
] as const;

function row(name: string, result: Result): string {
  const count = (event: Event): number => result.events.get(event) ?? 0;
  return `| ${[
    name,
    `${result.simulatedMs / DAY_MS} days`,
    result.leavesSigned,
    count('rotation'),
    `${count('restart')} + ${count('agent restart')}`,
    count('move'),
    count('outage') + count('API away'),
    count('skew'),
    result.writes,
    result.least,
    result.stopgaps,
    result.instants,
    result.invalid.length,
  ].join(' | ')} |`;
}

const started = performance.now();
console.log(`seed ${seed}\n`);
console.log(
  '| Leaf | Simulated | Leaves offered | Rotations | Restarts (connector + agent) | Moves | Outages | Clock steps | Writes | Least possible | Stopgaps | Instants checked | Invalid |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const [name, lifetimeMs, simulatedMs] of RUNS) {
  const result = await simulate({ lifetimeMs, simulatedMs, seed });
  console.log(row(name, result));
  for (const fault of result.invalid) console.error(fault);
  if (result.invalid.length > 0 || result.writes > result.least + result.stopgaps) process.exitCode = 1;
}
console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s`);
