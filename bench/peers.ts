import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sideBySide, thenEnd } from './cleanup.ts';
import { filesIn, manifestIn, startConsulTemplate } from './consul-template.ts';
import { EmbeddedStage } from './embedded-stage.ts';
import { FolderPlace } from './folder-place.ts';
import { sampled } from './memory.ts';
import type { ApiServer, Place } from './place.ts';
import { type Running, whileRunning } from './process.ts';
import { type Subjects, start } from './subject.ts';
import { cell, lines, type Spread, spreadOf } from './table.ts';
import { changesInTurns, type Participant } from './turns.ts';

export interface Peer {
  readonly name: string;
  /** In milliseconds of the machine's own time, which cannot be accelerated for a peer. */
  readonly change: Spread;
  /** After the start, in MiB, without its child processes. */
  readonly rssMiB: number;
  /** The number of writes for a new leaf while the previous one is valid. */
  readonly writesOfEarlyRenewal: number;
}

interface Candidate extends Participant {
  readonly name: string;
  readonly stage: EmbeddedStage<Place>;
}

/** The wait after each change: the connector queries at most once per second, with a small burst after idle time. */
const REST_MS = 500;
const SETTLED_MS = 3_000;

/** The connector compared with consul-template (`program`), which writes Consul's data to files, and can run a command after that. */
export async function measurePeers(
  program: string,
  { connector }: Subjects,
  server: ApiServer,
  changes: number,
): Promise<Peer[]> {
  const work = await mkdtemp(join(tmpdir(), 'bench-peers-'));
  const candidates: Candidate[] = [];
  const add = async (name: string, place: Place, startAt: (stage: Candidate['stage']) => Running) => {
    const stage = await EmbeddedStage.at(place);
    candidates.push({ name, stage, start: () => startAt(stage) });
  };
  const setUp = async (): Promise<void> => {
    const startConnector = ({ env }: Candidate['stage']) => start(connector, env);
    await add(`connector, ${server.name}`, await server.place('peer-connector'), startConnector);
    await add('connector, folder', await FolderPlace.make(), startConnector);
    const place = await FolderPlace.make();
    await add('consul-template, folder', place, ({ consul }) =>
      startConsulTemplate(program, work, consul.url, filesIn(place.folder)),
    );
    const namespace = 'peer-consul-template';
    const kubectl = server.kubectl(namespace);
    if (kubectl === undefined) {
      console.error('consul-template with kubectl is missing: it takes a real API server');
      return;
    }
    const own = await mkdtemp(join(work, 'kubectl-'));
    const name = `consul-template and kubectl, ${server.name}`;
    await add(name, await server.place(namespace), ({ consul }) =>
      startConsulTemplate(program, own, consul.url, manifestIn(own, kubectl)),
    );
  };
  const measure = async (): Promise<Peer[]> => {
    await setUp();
    const taken = await changesInTurns(candidates, { changes, restMs: REST_MS });
    const peers: Peer[] = [];
    for (const [index, candidate] of candidates.entries()) {
      const change = spreadOf(taken[index]?.ms ?? []);
      peers.push({ name: candidate.name, change, ...(await besides(candidate)) });
    }
    return peers;
  };
  return thenEnd(
    measure,
    () => sideBySide(...candidates.map(({ stage }) => stage.close())),
    () => rm(work, { recursive: true }),
  );
}

async function besides({ stage, ...candidate }: Candidate): Promise<Omit<Peer, 'name' | 'change'>> {
  await stage.clear();
  // consul-template runs its command only after it has written something new.
  await stage.consul.renewLeaf('ambassador');
  const from = performance.now();
  const running = candidate.start();
  return whileRunning([running], async () => {
    await stage.secrets.first(from);
    await sleep(SETTLED_MS);
    const { rss } = await sampled(running.pid);
    const before = stage.secrets.count;
    await stage.consul.renewLeaf('ambassador');
    await sleep(SETTLED_MS);
    return { rssMiB: rss, writesOfEarlyRenewal: stage.secrets.count - before };
  });
}

export function peersTable(peers: readonly Peer[]): string {
  const head = ['', 'change to visible', 'resident memory', 'writes for a leaf before its time'];
  const cells = peers.map(({ name, change, rssMiB, writesOfEarlyRenewal }) => [
    name,
    cell(change, 'ms'),
    cell(rssMiB, 'MiB'),
    cell(writesOfEarlyRenewal, ''),
  ]);
  return lines([head, ...cells]);
}
