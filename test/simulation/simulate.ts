import { spiffeUri } from '../fixtures/certificates/factory.ts';
import { ConsulModel, type Leaf, SERVICE, TRUST_DOMAIN } from './consul-model.ts';
import { isFresh, leastWrites, type Occasion } from './least-writes.ts';
import { MemoryTarget } from './memory-target.ts';
import { newConnector } from './simulated-connector.ts';
import { seededRandom, VirtualTime } from './virtual-time.ts';
import { fingerprints, type Window, windowOf } from './witness.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const START = Date.parse('2027-01-01T00:00:00Z');
const URI = spiffeUri({ service: SERVICE, trustDomain: TRUST_DOMAIN });
/** The longest backoffs of the query and the publishing loop, one after the other, and a margin. */
const RECOVERY_MS = 150_000;
/**
 * New roots. The target stores no index, as versions before 1.0.0: it could have been written by one, and so the roots wait for
 * an answer five seconds later (src/connector/roots-freshness.ts).
 */
const FOLLOWS_WITHIN_MS = 7_000;
const MAX_SKEW_MS = 3 * HOUR_MS;
/** For a clock that is further behind, a root that Consul just created is not valid yet, and is left out of the bundle. */
const MAX_BEHIND_MS = 0.75 * HOUR_MS;
const MAX_ROOTS = 3;
/** Longer pauses only repeat the same two backoffs, which slows the simulation. */
const MAX_PAUSE_MS = 3 * DAY_MS;

export interface Run {
  readonly lifetimeMs: number;
  readonly simulatedMs: number;
  readonly seed: number;
}

export type Result = Awaited<ReturnType<typeof simulate>>;

const EVENTS = [
  'rotation',
  'restart',
  'agent restart',
  'move',
  'outage',
  'skew',
  'leaf-churn',
  'API away',
  'conflicts',
] as const;
export type Event = (typeof EVENTS)[number];

/** One connector with one Consul for `simulatedMs`, with an event about once per lifetime. */
export async function simulate(run: Run) {
  const time = new VirtualTime(START, seededRandom(run.seed));
  const world = new World(run, time, await ConsulModel.start(time, run.lifetimeMs));
  return world.play();
}

class World {
  readonly #run: Run;
  readonly #time: VirtualTime;
  readonly #consul: ConsulModel;
  readonly #target: MemoryTarget;
  readonly #occasions: Occasion[] = [];
  readonly #events = new Map<Event, number>();
  readonly #invalid: string[] = [];
  #instants = 0;
  #stopgaps = 0;
  #leaf: Leaf | undefined;
  #certificatePem = '';
  #calmSince = START;
  #stop = new AbortController();
  #running: Promise<void> | undefined;
  #judged: unknown[] = [];
  #window: Window | undefined;
  #bundleFault: string | undefined;

  constructor(run: Run, time: VirtualTime, consul: ConsulModel) {
    this.#run = run;
    this.#time = time;
    this.#consul = consul;
    this.#target = new MemoryTarget(() => {
      const { leaf, roots } = consul.offered;
      if (roots !== undefined) this.#occasions.push({ at: time.clock.now(), leaf, roots });
    });
  }

  async play() {
    this.#start();
    this.#scheduleNext();
    await this.#time.run(START + this.#run.simulatedMs, () => this.#look());
    this.#stop.abort();
    await this.#running;
    return {
      ...this.#run,
      leavesSigned: this.#consul.leavesSigned,
      events: this.#events,
      writes: this.#target.writes,
      least: leastWrites(this.#occasions),
      /** Writes that replaced an old leaf by one that was not fresh, for safety: each may be one more than the least. */
      stopgaps: this.#stopgaps,
      instants: this.#instants,
      /** The first few faults, with their times. */
      invalid: this.#invalid,
    };
  }

  #start(): void {
    this.#consul.offered = { leaf: undefined, roots: undefined };
    this.#stop = new AbortController();
    this.#running = newConnector({
      consul: this.#consul,
      publisher: this.#target,
      clock: this.#time.clock,
      // Consul blocks for the time in the query: a query that ends without a change only costs time here.
      waitMs: Math.max(10 * 60_000, this.#run.lifetimeMs / 20),
    }).run(this.#stop.signal);
  }

  /** Checks what is published at this instant, by the clock of the gateway and by that of its peers. */
  #look(): void {
    const { published } = this.#target;
    if (published === undefined) return;
    const { roots } = this.#consul;
    if (this.#judged[0] !== published || this.#judged[1] !== roots) {
      this.#judged = [published, roots];
      const pems = roots.map(({ certPem }) => certPem);
      this.#window = windowOf(published, pems, URI);
      const held = fingerprints(published.caPem ?? '');
      const lacks = [...fingerprints(pems.join(''))].some((root) => !held.has(root));
      this.#bundleFault = lacks ? 'the bundle lacks a root' : undefined;
    }
    this.#countStopgap(published.certificatePem);
    this.#instants += 1;
    const window = this.#window;
    for (const at of [this.#time.now, this.#time.clock.now()]) {
      if (window === undefined || at < window.from || at > window.to)
        this.#fault(`not valid at ${new Date(at).toISOString()}`);
    }
    const changed = Math.max(this.#calmSince, (roots[0]?.since ?? 0) - RECOVERY_MS + FOLLOWS_WITHIN_MS);
    if (this.#time.now - changed > RECOVERY_MS && this.#bundleFault !== undefined)
      this.#fault(this.#bundleFault);
  }

  #countStopgap(certificatePem: string): void {
    if (certificatePem === this.#certificatePem) return;
    this.#certificatePem = certificatePem;
    const { leaf } = this.#consul.offered;
    const isSameRoot = leaf?.rootId === this.#leaf?.rootId;
    if (leaf !== undefined && isSameRoot && !isFresh(leaf, { at: this.#time.clock.now() }))
      this.#stopgaps += 1;
    this.#leaf = leaf;
  }

  #fault(what: string): void {
    if (this.#invalid.length < 20) this.#invalid.push(`${new Date(this.#time.now).toISOString()}: ${what}`);
  }

  #scheduleNext(): void {
    const gap = RECOVERY_MS + this.#time.random() * 1.4 * this.#run.lifetimeMs;
    this.#at(gap, async () => {
      const event = EVENTS[Math.floor(this.#time.random() * EVENTS.length)] ?? 'move';
      const lasts = await this.#happen(event);
      if (lasts !== undefined) this.#events.set(event, (this.#events.get(event) ?? 0) + 1);
      this.#at((lasts ?? 0) + RECOVERY_MS, () => this.#scheduleNext());
    });
  }

  /** Events fall between the answers of Consul, which come on their own milliseconds. */
  #at(afterMs: number, action: () => void | Promise<void>): void {
    this.#time.at(Math.floor(this.#time.now + afterMs) + 0.5, action);
  }

  /** Returns how long it lasts, or undefined if no connector could handle it. */
  async #happen(event: Event): Promise<number | undefined> {
    const consul = this.#consul;
    const pause = this.#time.random() * Math.min(this.#bearableMs(), this.#run.lifetimeMs / 2, MAX_PAUSE_MS);
    if (pause <= 0 && event !== 'skew') return undefined;
    switch (event) {
      case 'rotation':
        if (consul.roots.length >= MAX_ROOTS) return undefined;
        await consul.rotate(this.#time.random() < 0.5);
        this.#at(2 * this.#run.lifetimeMs, () => consul.dropOldest());
        return 0;
      case 'restart':
        this.#stop.abort();
        await this.#running;
        return this.#during(pause, () => this.#start());
      case 'agent restart':
        consul.restartAgent();
        return this.#during(0, () => undefined);
      case 'move':
        consul.move();
        return this.#during(0, () => undefined);
      case 'outage':
        consul.away = true;
        consul.disconnect();
        return this.#during(pause, () => {
          consul.away = false;
        });
      case 'leaf-churn':
        consul.setLeafChurn(true);
        return this.#during(30_000, () => consul.setLeafChurn(false));
      case 'API away':
      case 'conflicts':
        this.#target.state = event === 'conflicts' ? 'conflicts' : 'away';
        return this.#during(Math.min(pause, HOUR_MS / 6), () => {
          this.#target.state = 'open';
        });
      case 'skew':
        return this.#skew();
    }
  }

  #during(ms: number, end: () => void): number {
    this.#calmSince = this.#time.now + ms + 1;
    this.#at(ms, end);
    return ms;
  }

  /** How long what is published stays valid by both clocks, less the time to recover. */
  #bearableMs(): number {
    const { now, skewMs } = this.#time;
    const notYetValidMs = Math.max(0, -skewMs);
    return (this.#window?.to ?? 0) - now - Math.max(0, skewMs) - notYetValidMs - 2 * RECOVERY_MS;
  }

  /** No clock is set to before what is published is valid, or to its last tenth: no connector could handle that. */
  #skew(): number | undefined {
    const most = Math.min(MAX_SKEW_MS, this.#run.lifetimeMs / 20);
    const skewMs = Math.max(-MAX_BEHIND_MS, Math.round((2 * this.#time.random() - 1) * most));
    const at = this.#time.now + skewMs;
    const { from, to } = this.#window ?? { from: 0, to: 0 };
    if (at < from + 1_000 || at > to - this.#run.lifetimeMs / 10) return undefined;
    this.#time.skewMs = skewMs;
    return 0;
  }
}
