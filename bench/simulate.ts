/**
 * Replicas that do not agree: npm run simulate -- [--seeds N] [--from SEED] [--mode MODE] [--verbose] [--json]. Counts the needless
 * writes, and measures how long a root that Consul removed was trusted. Without --json it also counts the writes of leaves while
 * nothing happens.
 */
import { parseArgs } from 'node:util';
import { makeRootPool } from '../test/simulation/replicas/mesh.ts';
import { leafWritesPerLifetime } from '../test/simulation/replicas/steady.ts';
import { MODES, type Mode, simulateReplicas } from '../test/simulation/replicas/world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3000' },
    from: { type: 'string', default: '1' },
    mode: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const pool = await makeRootPool();

interface Row {
  readonly mode: Mode;
  readonly replicas: number;
  readonly seeds: number;
  readonly meanNeedless: number;
  readonly worstNeedless: number;
  readonly removedRootSeconds: number;
  readonly violations: number;
}

async function row(mode: Mode, replicas: number): Promise<Row> {
  let [needless, worstNeedless, removedRootSeconds, violations] = [0, 0, 0, 0];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const outcome = await simulateReplicas({ mode, replicas, seed }, pool);
    needless += outcome.needless;
    worstNeedless = Math.max(worstNeedless, outcome.needless);
    removedRootSeconds = Math.max(removedRootSeconds, outcome.removedRootSeconds);
    violations += outcome.violations.length;
    for (const violation of outcome.violations)
      console.error(`${mode}, ${replicas} replicas, seed ${seed}, ${violation}`);
    if (values.verbose && outcome.needless > 0)
      console.error(`${mode}, ${replicas} replicas, seed ${seed}: ${outcome.needless} needless`);
  }
  const meanNeedless = Number((needless / seeds).toFixed(3));
  return { mode, replicas, seeds, meanNeedless, worstNeedless, removedRootSeconds, violations };
}

function table(heads: readonly string[], lines: readonly (readonly (string | number)[])[]): string {
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const rows: Row[] = [];
for (const mode of MODES.filter((name) => values.mode === undefined || name === values.mode)) {
  for (const replicas of [2, 5]) rows.push(await row(mode, replicas));
}
if (rows.some(({ violations }) => violations > 0)) process.exitCode = 1;
if (values.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  const heads = [
    'Mode',
    'Replicas',
    'Seeds',
    'Needless writes, mean',
    'Worst',
    'Removed root trusted, s',
    'Violations',
  ];
  console.log(
    table(
      heads,
      rows.map((it) => Object.values(it)),
    ),
  );
  const steady: [number, number][] = [];
  for (const replicas of [1, 2, 5])
    steady.push([replicas, await leafWritesPerLifetime(replicas, 100, from, pool)]);
  console.log(`\n${table(['Replicas', 'Leaf writes a lifetime, of 100'], steady)}`);
}
