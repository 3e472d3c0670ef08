/** Runs each decoder on slightly damaged inputs: npm run fuzz -- [--target NAME] [--seconds N, of each] [--seed N]. */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
  },
});
const seed = values.seed === undefined ? undefined : Number(values.seed);
for (const [name, target] of Object.entries(TARGETS)) {
  if (values.target !== undefined && values.target !== name) continue;
  try {
    const inputs = await fuzz(target, { seconds: Number(values.seconds), seed });
    console.log(`${name}: ${inputs} inputs, each decoded or rejected`);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
