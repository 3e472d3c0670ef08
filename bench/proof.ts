/**
 * A rotation that nobody notices, shown through real gateways and real sidecars: npm run proof [-- OPTIONS]
 *
 *   --old          the same with a stand-in for the program that the connector replaces
 *   --json FILE    all numbers
 *   --svg FILE     the picture
 *   --down SECONDS how long Consul and the API server are down each; 60 by default
 *   --rate NUMBER  requests a second, to each service by each client; 5 by default
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { picture } from '../test/real/proof/picture.ts';
import { prove, violations } from '../test/real/proof/proof.ts';
import { reasons, table } from '../test/real/proof/table.ts';

const { values } = parseArgs({
  options: {
    old: { type: 'boolean', default: false },
    json: { type: 'string' },
    svg: { type: 'string' },
    down: { type: 'string', default: '60' },
    rate: { type: 'string', default: '5' },
  },
});
const started = performance.now();
const proof = await prove({
  subject: values.old ? 'old' : 'connector',
  requestsPerSecond: Number(values.rate),
  downSeconds: Number(values.down),
  onEvent: (name) => console.error(`${((performance.now() - started) / 1_000).toFixed(0)} s: ${name}`),
});
console.log(`${table(proof)}\n\n${reasons(proof)}`);
if (values.svg !== undefined) await writeFile(values.svg, picture(proof));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(proof, null, 2)}\n`);
const broken = violations(proof);
for (const violation of broken) console.error(violation);
if (broken.length > 0 && !values.old) process.exitCode = 1;
