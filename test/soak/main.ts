/** npm run soak -- [--seconds 600] [--seed 1] [--speed 6] [--renewals 10000 --rotations 1000]; exits with 1 if it shows a fault */
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';
import { assertSound } from './verdict.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    renewals: { type: 'string', default: 'Infinity' },
    rotations: { type: 'string', default: 'Infinity' },
    speed: { type: 'string', default: '6' },
  },
});
console.log(`seed ${values.seed}`);
const report = await soak({
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  renewals: Number(values.renewals),
  rotations: Number(values.rotations),
  speed: Number(values.speed),
});
console.log(JSON.stringify(report, undefined, 2));
assertSound(report);
