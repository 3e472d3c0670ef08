import { spiffeUri } from '../../fixtures/certificates/factory.ts';
import { SERVICE, TRUST_DOMAIN } from '../consul-model.ts';
import { newConnector } from '../simulated-connector.ts';
import { seededRandom, VirtualTime } from '../virtual-time.ts';
import { fingerprints, windowOf } from '../witness.ts';
import { FormerReplica } from './former-replica.ts';
import { Agent, type ListedRoot, Mesh, type RootPool, START, type Version } from './mesh.ts';
import { type ObjectName, Store, StorePublisher } from './store.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const URI = spiffeUri({ service: SERVICE, trustDomain: TRUST_DOMAIN });
/** The expiring root of the pool expires two minutes later. */
const BEGIN = START + 8 * MINUTE_MS;
/** Writes before this, for the first publication, are not counted. */
const SETTLED = BEGIN + 30 * SECOND_MS;
/** How long peers may still trust, and replicas publish, what Consul listed before. */
const OVERLAP_MS = MINUTE_MS;
/** Nothing may be written later than this after the last event. */
const QUIET_AFTER_MS = 3 * MINUTE_MS;
const END_AFTER_MS = 5 * MINUTE_MS;
/** More than any rules may need: the run ends. */
const MAX_WRITES = 200;

export const MODES = ['healthy', 'removals', 'faulty', 'rolling', 'backups'] as const;
export type Mode = (typeof MODES)[number];

const EVENTS = {
  rotation: (world: World) => world.rotate(world.chance(0.5), world.listed.slice(0, 3)),
  pruning: (world: World) => world.prune(),
  rollback: (world: World) => world.rollBack(),
  'snapshot restore': (world: World) => world.restore(),
  'new CA': (world: World) => world.rotate(false, []),
  'lost servers': (world: World) => world.reach('cache'),
  unreachable: (world: World) => world.reach('none'),
  'silent lag': (world: World) => world.lag(),
  'API away': (world: World) => world.cutOffApi(),
  restart: (world: World) => world.restart(),
  'CSRs refused': (world: World) => world.refuseCsrs(),
  edit: (world: World) => world.edit(),
  'old leaf': (world: World) => world.putOldLeaf(),
} as const;
type Event = keyof typeof EVENTS;

const CHANGES: Readonly<Record<Mode, readonly Event[]>> = {
  healthy: ['rotation', 'pruning', 'rotation'],
  removals: ['rotation', 'pruning', 'rollback', 'snapshot restore', 'new CA'],
  faulty: ['rotation', 'pruning', 'rollback', 'snapshot restore', 'new CA'],
  rolling: ['rotation', 'pruning'],
  backups: ['rotation', 'old leaf', 'old leaf'],
};
const FAULTS: readonly Event[] = [
  'lost servers',
  'unreachable',
  'silent lag',
  'API away',
  'restart',
  'CSRs refused',
  'edit',
];

export interface Setup {
  readonly mode: Mode;
  readonly replicas: number;
  readonly seed: number;
}

/** Some minutes of several replicas that publish to one store, each with its own agent. */
export async function simulateReplicas(setup: Setup, pool: RootPool) {
  return new World(setup, pool).play();
}

interface Replica {
  readonly agent: Agent;
  readonly skewMs: number;
  publisher: StorePublisher;
  isFormer: boolean;
  startedAt: number;
  stop: AbortController;
  running: Promise<void>;
}

class World {
  readonly #setup: Setup;
  readonly #pool: RootPool;
  readonly #time: VirtualTime;
  readonly #mesh: Mesh;
  readonly #store: Store;
  readonly #verifiesUpstream: boolean;
  readonly #replicas: Replica[] = [];
  readonly #violations = new Map<string, string>();
  #nextRoot = 2;
  #neededBundles = 0;
  #neededLeaves = 0;
  #edits = 0;
  #lastEvent = SETTLED;
  /** When it was last the case that no replica could follow Consul. */
  #helplessAt = BEGIN;
  #removedRootMs = 0;
  #judged: unknown[] = [];
  #worksForAll = true;
  /** When the first of the roots that are trusted but no longer listed was removed. */
  #trustedSince: number | undefined;

  constructor(setup: Setup, pool: RootPool) {
    this.#setup = setup;
    this.#pool = pool;
    this.#time = new VirtualTime(BEGIN, seededRandom(setup.seed));
    this.#verifiesUpstream = this.chance(0.5);
    const [first, second] = pool.roots;
    if (first === undefined || second === undefined) throw new Error('the pool is too small');
    const roots = [second, first].map((root) => ({ root, isCrossSigned: this.chance(0.5) }));
    const expires = setup.mode !== 'healthy' && setup.mode !== 'rolling' && this.chance(0.3);
    if (expires) roots.push({ root: pool.expiring, isCrossSigned: false });
    this.#mesh = new Mesh(this.#time, this.chance(0.3) ? HOUR_MS : 72 * HOUR_MS, roots);
    this.#store = new Store(this.#time);
  }

  async play() {
    const { mode, replicas } = this.#setup;
    for (let index = 0; index < replicas; index += 1) this.#addReplica(index);
    let at = SETTLED + this.#between(0, 10_000);
    const changes = 1 + Math.floor(this.#time.random() * 3);
    for (let change = 0; change < changes; change += 1) {
      this.#at(at, this.#pick(CHANGES[mode]));
      if (mode === 'faulty') this.#at(at + this.#between(-20_000, 20_000), this.#pick(FAULTS));
      at += this.chance(0.5) ? this.#between(500, 15_000) : this.#between(60_000, 120_000);
    }
    const isFighting = () => this.#store.writes.length > MAX_WRITES;
    while (this.#time.now < this.#lastEvent + END_AFTER_MS && !isFighting()) {
      await this.#time.run(this.#lastEvent + END_AFTER_MS, () => this.#look(), isFighting);
    }
    for (const { stop } of this.#replicas) stop.abort();
    await Promise.all(this.#replicas.map(({ running }) => running));
    return this.#outcome();
  }

  get listed(): readonly ListedRoot[] {
    return this.#mesh.now.roots;
  }

  chance(share: number): boolean {
    return this.#time.random() < share;
  }

  /** Consul lists a new active root, and after it these others. */
  rotate(isCrossSigned: boolean, others: readonly ListedRoot[]): void {
    const root = this.#pool.roots[this.#nextRoot];
    if (root === undefined) return;
    this.#nextRoot += 1;
    this.#list([{ root, isCrossSigned }, ...others]);
  }

  prune(): void {
    if (this.listed.length > 1) this.#list(this.listed.slice(0, -1));
  }

  rollBack(): void {
    const [first, second, ...rest] = this.listed;
    if (first !== undefined && second !== undefined && second.root !== this.#pool.expiring)
      this.#list([second, first, ...rest]);
  }

  restore(): void {
    const before = this.#mesh.history.at(-2);
    if (before !== undefined && before.index < this.#mesh.now.index) this.#list(before.roots, before.index);
  }

  reach(reach: 'cache' | 'none'): void {
    const { agent } = this.#pick(this.#replicas);
    agent.reach = reach;
    this.#during(this.#between(10_000, 120_000), () => {
      agent.reach = 'servers';
    });
  }

  lag(): void {
    const { agent } = this.#pick(this.#replicas);
    const before = agent.lagMs;
    agent.lagMs = this.#between(5_000, 30_000);
    this.#during(MINUTE_MS, () => {
      agent.lagMs = before;
    });
  }

  cutOffApi(): void {
    const replica = this.#pick(this.#replicas);
    const { publisher } = replica;
    publisher.isCutOff = true;
    this.#during(this.#between(5_000, 60_000), () => {
      publisher.isCutOff = false;
      publisher.catchUp();
    });
  }

  restart(): void {
    const replica = this.#pick(this.#replicas);
    replica.stop.abort();
    this.#during(this.#between(0, 20_000), () => this.#start(replica));
  }

  refuseCsrs(): void {
    this.#mesh.refusesCsrs = true;
    this.#during(this.#between(10_000, 90_000), () => {
      this.#mesh.refusesCsrs = false;
      this.#mesh.sleepers.wake();
    });
  }

  /** Another writer leaves one root, or text without a root. */
  edit(): void {
    const { identity } = this.#store.objects;
    if (identity === undefined) return;
    const [first] = identity.data['ca.crt']?.split(/(?<=-----END CERTIFICATE-----\n)/) ?? [];
    const caCrt = this.chance(0.5) ? 'edited by hand' : (first ?? '');
    if (caCrt === identity.data['ca.crt']) return;
    this.#edits += 1;
    this.#store.edit('identity', { ...identity.data, 'ca.crt': caCrt });
    this.#happened();
  }

  /** Restored by hand, or from a backup with its annotations. */
  putOldLeaf(): void {
    const { identity } = this.#store.objects;
    const older = this.#store.writes.filter(
      ({ object, after }) => object === 'identity' && after['tls.crt'] !== identity?.data['tls.crt'],
    );
    if (identity === undefined || older.length === 0) return;
    const { after, record } = this.#pick(older);
    const data = { ...identity.data, 'tls.crt': after['tls.crt'] ?? '', 'tls.key': after['tls.key'] ?? '' };
    this.#neededLeaves += 1;
    this.#store.edit('identity', data, this.chance(0.5) ? record : undefined);
    this.#happened();
  }

  #list(roots: readonly ListedRoot[], index?: number): void {
    const before = this.listed;
    if (JSON.stringify(ids(before)) === JSON.stringify(ids(roots))) return;
    this.#neededBundles += 1;
    if (before[0]?.root !== roots[0]?.root) this.#neededLeaves += 1;
    this.#mesh.list(roots, index);
    this.#happened();
  }

  #addReplica(index: number): void {
    const { mode } = this.#setup;
    const { random } = this.#time;
    const lagMs = random() * 3_000;
    const most = mode === 'faulty' || mode === 'removals' || mode === 'backups' ? 10 * MINUTE_MS : SECOND_MS;
    const agent = new Agent(this.#mesh, lagMs, this.chance(0.3));
    const skewMs = this.chance(0.5) ? 0 : (2 * random() - 1) * most;
    const replica: Replica = {
      agent,
      skewMs,
      publisher: this.#publisher(false, skewMs),
      isFormer: mode === 'rolling' && (index === 0 || this.chance(0.5)),
      startedAt: 0,
      stop: new AbortController(),
      running: Promise.resolve(),
    };
    this.#replicas.push(replica);
    this.#time.at(BEGIN + random() * 2_000, () => this.#start(replica));
    if (replica.isFormer) {
      this.#at(SETTLED + this.#between(0, 90_000), async () => {
        replica.stop.abort();
        await replica.running;
        replica.isFormer = false;
        this.#start(replica);
      });
    }
  }

  #publisher(isFormer: boolean, skewMs: number): StorePublisher {
    const watchDelayMs = 5 + this.#time.random() * 50;
    const options = { watchDelayMs, verifiesUpstream: this.#verifiesUpstream, isFormer, skewMs };
    return new StorePublisher(this.#store, this.#time, options);
  }

  #start(replica: Replica): void {
    const { agent, skewMs } = replica;
    const clock = { ...this.#time.clock, now: () => this.#time.now + skewMs };
    replica.publisher = this.#publisher(replica.isFormer, skewMs);
    replica.startedAt = this.#time.now;
    replica.stop = new AbortController();
    const { publisher } = replica;
    const options = { consul: agent, publisher, verifiesUpstream: this.#verifiesUpstream, clock };
    const connector = replica.isFormer
      ? new FormerReplica(options)
      : newConnector({ ...options, waitMs: 10 * MINUTE_MS });
    replica.running = connector.run(replica.stop.signal);
  }

  #look(): void {
    const { now } = this.#time;
    if (!this.#replicas.some((replica) => this.#canFollow(replica))) this.#helplessAt = now;
    if (this.#judged[0] !== this.#store.objects || this.#judged[1] !== this.#mesh.now) this.#judge();
    if (now < SETTLED) return;
    if (this.#trustedSince !== undefined) {
      const ms = now - Math.max(this.#trustedSince, this.#helplessAt);
      this.#removedRootMs = Math.max(this.#removedRootMs, ms);
      if (ms > MINUTE_MS) this.#fault('a removed root is trusted for more than a minute');
    }
    const isExcused = now - Math.max(this.#helplessAt, this.#mesh.now.at) < OVERLAP_MS;
    if (!this.#worksForAll && !isExcused) this.#fault('a peer rejects what is published');
  }

  /** Whether this replica can follow Consul. */
  #canFollow({ agent, publisher, skewMs, startedAt, stop }: Replica): boolean {
    const isSettled = this.#time.now - startedAt > 5 * SECOND_MS && startedAt > 0;
    const isFresh = agent.reach === 'servers' && agent.lagMs <= 3 * SECOND_MS;
    return (
      isSettled &&
      isFresh &&
      !publisher.isCutOff &&
      !stop.signal.aborted &&
      !this.#mesh.refusesCsrs &&
      skewMs >= -MINUTE_MS
    );
  }

  #judge(): void {
    const { now, history } = this.#mesh;
    this.#judged = [this.#store.objects, now];
    const published = Store.published(this.#store.objects, this.#verifiesUpstream);
    if (published === undefined) return;
    const pemsOf = ({ roots }: Version) => roots.map(({ root }) => root.certPem);
    const window = windowOf(published, pemsOf(now), URI);
    this.#worksForAll = window !== undefined && window.from <= this.#time.now && this.#time.now < window.to;
    if (!this.#worksForAll) {
      const overlap = this.#time.now - OVERLAP_MS;
      const wasListed = history.findLast(({ at }) => at <= overlap) ?? now;
      const recent = [wasListed, ...history.filter(({ at }) => at > overlap)];
      const works = recent.some((version) => windowOf(published, pemsOf(version), URI) !== undefined);
      const isHelpless = this.#time.now - this.#helplessAt < OVERLAP_MS;
      if (!works && !isHelpless && this.#time.now > SETTLED)
        this.#fault('what is published chains to no current or recent root');
    }
    const fingerprintsOf = (version: Version) => fingerprints(pemsOf(version).join(''));
    const known = fingerprintsOf(now);
    const trusted = fingerprints((published.caPem ?? '') + (published.upstreamCaPem ?? ''));
    const removed = [...trusted].filter((root) => !known.has(root));
    this.#trustedSince = undefined;
    if (removed.length === 0) return;
    const last = history.findLastIndex((version) => {
      const listed = fingerprintsOf(version);
      return removed.some((root) => listed.has(root));
    });
    this.#trustedSince = history[last + 1]?.at ?? this.#time.now;
  }

  #fault(what: string): void {
    if (!this.#violations.has(what))
      this.#violations.set(what, `${((this.#time.now - BEGIN) / 1000).toFixed(1)} s: ${what}`);
  }

  #outcome() {
    const counted = this.#store.writes.filter(({ at }) => at >= SETTLED);
    const changesOf = (object: ObjectName, key: string): number =>
      counted.filter(
        (write) => !write.isFormer && write.object === object && write.before[key] !== write.after[key],
      ).length;
    const beyond = (changes: number, needed: number): number => Math.max(0, changes - needed);
    const needless =
      beyond(changesOf('identity', 'ca.crt'), this.#neededBundles + this.#edits) +
      beyond(changesOf('ca', 'tls.crt'), this.#neededBundles) +
      beyond(changesOf('identity', 'tls.crt'), this.#neededLeaves);
    const last = counted.at(-1)?.at ?? 0;
    if (last > Math.max(this.#lastEvent, this.#helplessAt) + QUIET_AFTER_MS)
      this.#fault('it is still written after the last event');
    return {
      /** Changes of a bundle or of the leaf by the current rules, beyond those that Consul or a manual edit required. */
      needless,
      /** The longest time that a root Consul no longer lists was trusted while a replica reached an up-to-date agent. */
      removedRootSeconds: Math.round(this.#removedRootMs / 1000),
      violations: [...this.#violations.values()],
    };
  }

  #at(at: number, happen: Event | (() => void | Promise<void>)): void {
    this.#happened(at);
    this.#time.at(at, () => (typeof happen === 'string' ? EVENTS[happen](this) : happen()));
  }

  #happened(at = this.#time.now): void {
    this.#lastEvent = Math.max(this.#lastEvent, at);
  }

  #during(ms: number, end: () => void): void {
    this.#at(this.#time.now + ms, end);
  }

  #between(from: number, to: number): number {
    return from + this.#time.random() * (to - from);
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.#time.random() * list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }
}

function ids(roots: readonly ListedRoot[]): readonly string[] {
  return roots.map(({ root }) => root.id);
}
