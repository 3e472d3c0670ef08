/**
 * Rotations without a failed request, demonstrated with real gateways and real sidecars: npm run proof [-- OPTIONS]
 *
 *   --gateway NAME  envoy, nginx or haproxy; may be repeated; all three by default
 *   --json          prints the numbers as JSON to standard output, and the table to standard error
 *   --samples FILE  every request and write
 *   --svg FILE      the picture
 *   --down SECONDS  how long Consul and the API server are down each; 60 by default
 *   --rate NUMBER   requests per second, to each service by each client; 5 by default, 10 for a single gateway
 *   --short         fewer events
 *   --old           nginx and HAProxy with a stand-in for the program that the connector replaces
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { picture } from './proof/picture.ts';
import { prove, violations } from './proof/proof.ts';
import { GATEWAYS } from './proof/stage.ts';
import { summary } from './proof/summary.ts';
import { reasons, table } from './proof/table.ts';
import { shortTimeline, timeline } from './proof/timeline.ts';

const { values } = parseArgs({
  options: {
    gateway: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    samples: { type: 'string' },
    svg: { type: 'string' },
    down: { type: 'string', default: '60' },
    rate: { type: 'string' },
    short: { type: 'boolean', default: false },
    old: { type: 'boolean', default: false },
  },
});
// The old program writes no Service, so Envoy would get no TLSContext.
const gateways = GATEWAYS.filter((name) =>
  values.old ? name !== 'envoy' : (values.gateway?.includes(name) ?? true),
);
const unknown = values.gateway?.find((name) => !GATEWAYS.some((gateway) => gateway === name));
if (unknown !== undefined) throw new Error(`there is no gateway ${unknown}: ${GATEWAYS.join(', ')}`);
const events = (values.short ? shortTimeline : timeline)(Number(values.down));
const started = performance.now();
const proof = await prove({
  subject: values.old ? 'old' : 'connector',
  gateways,
  events,
  requestsPerSecond: Number(values.rate ?? (gateways.length === 1 ? 10 : 5)),
  onEvent: (name) => console.error(`${((performance.now() - started) / 1_000).toFixed(0)} s: ${name}`),
});
const text = `${table(proof)}\n\n${reasons(proof)}`;
if (values.json) {
  console.error(text);
  console.log(JSON.stringify(summary(proof), null, 2));
} else console.log(text);
if (values.svg !== undefined) await writeFile(values.svg, picture(proof));
if (values.samples !== undefined) await writeFile(values.samples, `${JSON.stringify(proof, null, 2)}\n`);
const broken = [...violations(proof), ...proof.gatewayFaults];
for (const violation of broken) console.error(violation);
if (broken.length > 0 && !values.old) process.exitCode = 1;
