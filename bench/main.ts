/**
 * The cost of the connector, each figure compared with its baseline (`baseline.ts`) in the same run: npm run bench [-- OPTIONS]
 *
 *   --quick         fewer repetitions, in four minutes
 *   --double        starts and changes against the double of an API server, even if there is a real one
 *   --real          also starts and changes against the real Consul
 *   --curve         growth with connectors, roots, intermediates and changes per second
 *   --peers         also consul-template: with kubectl, and into a folder
 *   --json          one JSON object for programs
 *   --write         also into docs/performance.md
 *   --starts, --changes, --memory-changes, --idle-minutes, --churn, --peer-changes NUMBER: the amount of each
 *
 * The real API server is that of test/fixtures/servers/get.sh. Exits with 1 if a count of writes is not exact; the other goals are
 * only reported.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { chainGrowth } from './chains.ts';
import { thenEnd } from './cleanup.ts';
import { consulTemplate } from './consul-template.ts';
import { growthCurve } from './curve.ts';
import { writeIntoDocs } from './docs.ts';
import { doubleServer } from './double-server.ts';
import { measurePeers, type Peer, peersTable } from './peers.ts';
import type { ApiServer } from './place.ts';
import { changeRates } from './rates.ts';
import { measureReal } from './real.ts';
import { RealServer, realServer } from './real-server.ts';
import { type Subjects, withSubjects } from './subject.ts';
import { markdown } from './table.ts';
import { measureAll } from './whole.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    double: { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
    curve: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    starts: { type: 'string' },
    changes: { type: 'string' },
    'memory-changes': { type: 'string' },
    'idle-minutes': { type: 'string' },
    churn: { type: 'string' },
    'peer-changes': { type: 'string' },
  },
});
const amount = (given: string | undefined, usual: number, quick: number): number =>
  given === undefined ? (values.quick ? quick : usual) : Number(given);
const before = loadavg();

async function whole(subjects: Subjects): Promise<void> {
  const server = (values.double ? undefined : await realServer()) ?? doubleServer;
  const measure = async (): Promise<void> => {
    const { ratios, writes, rows, exact } = await measureAll(subjects, server, {
      starts: amount(values.starts, 30, 5),
      changes: amount(values.changes, 200, 30),
      memoryProcesses: values.quick ? 1 : 3,
      memoryChanges: amount(values['memory-changes'], 1_000, 100),
      idleMinutes: amount(values['idle-minutes'], 3, 1),
      churnSeconds: amount(values.churn, 60, 10),
    });
    const peers = values.peers ? await besidePeers(subjects, server) : [];
    const tables = { table: markdown(rows), ...(peers.length > 0 && { peers: peersTable(peers) }) };
    await report(tables, { ratios, writes, rows, ...(values.peers && { peers }) });
    if (!exact) process.exitCode = 1;
  };
  await thenEnd(measure, () => server.close());
}

/** Empty if they are missing or cannot be measured: the figures of the connector are kept. */
async function besidePeers(subjects: Subjects, server: ApiServer): Promise<Peer[]> {
  try {
    const program = await consulTemplate();
    return await measurePeers(program, subjects, server, amount(values['peer-changes'], 30, 3));
  } catch (error) {
    console.error(`consul-template is missing here: ${String(error)}`);
    return [];
  }
}

async function real(subjects: Subjects): Promise<void> {
  const server = await RealServer.start();
  const measure = async (): Promise<void> => {
    const rows = await measureReal(subjects, server, {
      starts: amount(values.starts, 15, 3),
      changes: amount(values.changes, 30, 5),
    });
    await report({ real: markdown(rows) }, { rows });
  };
  await thenEnd(measure, () => server.close());
}

async function curve(subjects: Subjects): Promise<void> {
  const { table, points } = await growthCurve(subjects, values.quick);
  const chains = await chainGrowth(subjects, amount(values.changes, 50, 5));
  const rates = await changeRates(subjects, values.quick ? 1 : 5);
  const tables = { curve: table, chains: chains.table, rates: rates.table };
  await report(tables, { points, chains: chains.points, rates: rates.rates });
}

function machine(): string {
  const [processor] = cpus();
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${processor?.model}`;
}

/** Tables by their names in docs/performance.md, or the same as one object for programs. */
async function report(tables: Readonly<Record<string, string>>, json: object): Promise<void> {
  const load = { before, after: loadavg() };
  const list = (averages: readonly number[]): string => averages.map((each) => each.toFixed(2)).join(', ');
  const when = `${machine()}, load ${list(load.before)} before and ${list(load.after)} after`;
  const texts = Object.entries(tables).map(([name, table]) => [name, `${when}\n\n${table}`] as const);
  if (values.json) console.log(JSON.stringify({ machine: machine(), load, ...json }));
  else for (const [, text] of texts) console.log(text);
  if (values.write) for (const [name, text] of texts) await writeIntoDocs(name, text);
}

await withSubjects(values.curve ? curve : values.real ? real : whole);
