import type { Consul } from '../../../src/consul/client.ts';
import { leafPath, ROOTS_PATH } from '../../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../../src/consul/connection.ts';
import { ConsulError } from '../../../src/errors.ts';
import { createRoot, generateKeyPair } from '../../fixtures/certificates/factory.ts';
import { rootsText, SERVICE, TRUST_DOMAIN } from '../consul-model.ts';
import { LeafPress } from '../leaf-press.ts';
import { Sleepers, type VirtualTime } from '../virtual-time.ts';

const MINUTE_MS = 60_000;
/** Consul's agents delay the new leaf by up to 30 s; a third of that keeps the simulation short. */
const MAX_ROTATION_MS = 10_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
export const START = Date.parse('2027-01-01T00:00:00Z');

export interface Root {
  readonly id: string;
  readonly certPem: string;
  readonly press: LeafPress;
  /** This root, cross-signed by the root before it in the pool. */
  readonly crossPem: string | undefined;
}

/** Roots for all seeds: creating them takes longer than simulating a seed. */
export interface RootPool {
  readonly roots: readonly Root[];
  /** One that expires ten minutes after the start. */
  readonly expiring: Root;
}

export async function makeRootPool(): Promise<RootPool> {
  const keys = await generateKeyPair('ec-p256');
  const notBefore = new Date(START - DAY_MS);
  const make = async (notAfter: Date) => {
    const validity = { notBefore, notAfter };
    const authority = await createRoot({ trustDomain: TRUST_DOMAIN, ...validity });
    const press = await LeafPress.of(authority, SERVICE, keys);
    const root = { id: authority.serial, certPem: authority.certPem, press, crossPem: undefined };
    return { authority, validity, root };
  };
  const lasting = new Date(START + 4_000 * DAY_MS);
  const made = await Promise.all(Array.from({ length: 10 }, () => make(lasting)));
  const roots = made.map(({ authority, validity, root }, at) => ({
    ...root,
    crossPem: made[at - 1]?.authority.crossSign(authority, validity).certPem,
  }));
  const { root: expiring } = await make(new Date(START + 10 * MINUTE_MS));
  return { roots, expiring };
}

/** A root as it is listed: with the cross-signed certificate, or without. */
export interface ListedRoot {
  readonly root: Root;
  readonly isCrossSigned: boolean;
}

/** What Consul's servers list from `at` on, the active root first. */
export interface Version {
  readonly at: number;
  readonly index: number;
  readonly roots: readonly ListedRoot[];
}

interface Leaf {
  readonly text: string;
  readonly rootId: string;
}

/** Consul's servers: the current and previous roots, and the signing of leaves. */
export class Mesh {
  readonly time: VirtualTime;
  readonly lifetimeMs: number;
  readonly history: Version[];
  refusesCsrs = false;
  readonly #agents: Agent[] = [];
  readonly sleepers: Sleepers;

  constructor(time: VirtualTime, lifetimeMs: number, roots: readonly ListedRoot[]) {
    this.time = time;
    this.sleepers = new Sleepers(time);
    this.lifetimeMs = lifetimeMs;
    this.history = [{ at: time.now - MINUTE_MS, index: 100, roots }];
  }

  get now(): Version {
    const last = this.history.at(-1);
    if (last === undefined) throw new Error('the mesh has no roots');
    return last;
  }

  /**
   * By default the index increases, as with every change except a restored snapshot, which brings back the previous roots with
   * their index; the next index is higher than all before.
   */
  list(roots: readonly ListedRoot[], index = this.#nextIndex()): void {
    this.history.push({ at: this.time.now, index, roots });
    for (const agent of this.#agents) agent.send(this.now);
    this.sleepers.wake();
  }

  #nextIndex(): number {
    const highest = Math.max(...this.history.map(({ index }) => index));
    return highest + 1 + Math.floor(this.time.random() * 50);
  }

  join(agent: Agent): void {
    this.#agents.push(agent);
    agent.send(this.now);
  }

  sign(): Leaf {
    const [active] = this.now.roots;
    if (active === undefined) throw new Error('the mesh has no active root');
    const { root, isCrossSigned } = active;
    const notBefore = Math.floor(this.time.now / 1000) * 1000 - MINUTE_MS;
    const leaf = root.press.press(notBefore, notBefore + this.lifetimeMs);
    const certificate = leaf + (isCrossSigned ? (root.crossPem ?? '') : '');
    return {
      text: JSON.stringify({ CertPEM: certificate, PrivateKeyPEM: root.press.keyPem }),
      rootId: root.id,
    };
  }
}

/**
 * - `servers`: the normal state.
 * - `cache`: the agent has lost its servers: it answers from its cache, with an `Age`, and fails blocking queries.
 * - `none`: the agent cannot be reached.
 */
export type Reach = 'servers' | 'cache' | 'none';

/** The agent of one replica, which is behind the servers by its lag and has its own leaf. */
export class Agent implements Consul {
  lagMs: number;
  readonly #mesh: Mesh;
  /** Never wakes a blocked leaf query over a new root (consul PR #15005). */
  readonly #isDeaf: boolean;
  /** Each version with the time when it arrives. */
  readonly #received: { readonly version: Version; readonly at: number }[] = [];
  #reach: Reach = 'servers';
  #lostAt = 0;
  #leaf: Leaf | undefined;
  #leafIndex = 10;
  #renewAt = 0;
  #rotation: { readonly rootId: string; readonly at: number } | undefined;

  constructor(mesh: Mesh, lagMs: number, isDeaf: boolean) {
    this.#mesh = mesh;
    this.lagMs = lagMs;
    this.#isDeaf = isDeaf;
    mesh.join(this);
  }

  /** A new version arrives after the lag, and never before one that was sent earlier. */
  send(version: Version): void {
    const last = this.#received.at(-1)?.at ?? 0;
    this.#received.push({ version, at: Math.max(last, version.at + this.lagMs) });
  }

  get reach(): Reach {
    return this.#reach;
  }

  set reach(reach: Reach) {
    if (this.#reach === 'servers') this.#lostAt = this.#mesh.time.now;
    this.#reach = reach;
    this.#mesh.sleepers.wake();
  }

  connect(): Connection {
    return {
      get: (path, query, _deadlineMs, signal) => this.#get(path, query, signal),
      getFromAny: (path, _deadlineMs, signal) => this.#get(path, new URLSearchParams(), signal),
    };
  }

  missingPermission(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async close(): Promise<void> {}

  async #get(path: string, query: URLSearchParams, signal: AbortSignal): Promise<ConsulAnswer> {
    const { time } = this.#mesh;
    const isRoots = path === ROOTS_PATH;
    if (!isRoots && path !== leafPath(SERVICE))
      throw new ConsulError('CONSUL_NOT_FOUND', path, { remedy: 'request the one service' });
    const known = query.get('index') ?? undefined;
    const end = time.now + Number.parseInt(query.get('wait') ?? '0', 10);
    await time.sleep(1 + time.random() * 10, signal);
    for (;;) {
      if (signal.aborted || this.#reach === 'none') throw lost('CONSUL_UNREACHABLE');
      if (this.#reach === 'cache' && known !== undefined) throw lost('CONSUL_NO_SERVERS');
      const index = String(isRoots ? this.#view().index : this.#currentLeafIndex());
      if (index !== known || time.now >= end) {
        const isStale = isRoots && this.#reach === 'cache';
        const age = isStale ? String(Math.floor((time.now - this.#lostAt) / 1000) + 1) : undefined;
        return { text: isRoots ? this.#rootsText() : this.#leafText(), index, age };
      }
      const due = Math.min(end, isRoots ? this.#viewChangesAt() : this.#leafChangesAt());
      await this.#mesh.sleepers.sleepUntil(due, signal);
      await time.sleep(1 + time.random() * 5, signal);
    }
  }

  #view(): Version {
    const until = this.#reach === 'cache' ? this.#lostAt : this.#mesh.time.now;
    return this.#received.findLast(({ at }) => at <= until)?.version ?? this.#mesh.now;
  }

  #viewChangesAt(): number {
    if (this.#reach !== 'servers') return Number.POSITIVE_INFINITY;
    return this.#received.find(({ at }) => at > this.#mesh.time.now)?.at ?? Number.POSITIVE_INFINITY;
  }

  #rootsText(): string {
    const listed = this.#view().roots;
    return rootsText(
      listed.map(({ root, isCrossSigned }) => (isCrossSigned ? root : { ...root, crossPem: undefined })),
    );
  }

  #leafText(): string {
    if (this.#leaf === undefined) throw lost('CONSUL_NO_SERVERS');
    return this.#leaf.text;
  }

  #currentLeafIndex(): number {
    const { now } = this.#mesh.time;
    const canSign = this.#reach === 'servers' && !this.#mesh.refusesCsrs;
    const isDue = this.#leaf === undefined || now >= this.#renewAt || now >= this.#rotatesAt();
    if (!isDue) return this.#leafIndex;
    if (canSign) this.#renew();
    else if (this.#leaf === undefined) throw lost('CONSUL_RATE_LIMITED');
    return this.#leafIndex;
  }

  #leafChangesAt(): number {
    if (this.#reach !== 'servers' || this.#mesh.refusesCsrs) return Number.POSITIVE_INFINITY;
    const rotation = this.#isDeaf ? Number.POSITIVE_INFINITY : this.#rotatesAt();
    return Math.max(this.#mesh.time.now, Math.min(this.#renewAt, rotation, this.#viewChangesAt()));
  }

  /** A leaf of a root that is not active is reissued after a while. */
  #rotatesAt(): number {
    const { time } = this.#mesh;
    const activeId = this.#view().roots[0]?.root.id ?? '';
    if (this.#leaf === undefined || this.#leaf.rootId === activeId) return Number.POSITIVE_INFINITY;
    if (this.#rotation?.rootId !== activeId)
      this.#rotation = { rootId: activeId, at: time.now + time.random() * MAX_ROTATION_MS };
    return this.#rotation.at;
  }

  #renew(): void {
    const { time, lifetimeMs } = this.#mesh;
    this.#leaf = this.#mesh.sign();
    this.#leafIndex += 1;
    this.#rotation = undefined;
    this.#renewAt = time.now + lifetimeMs * (0.6 + 0.3 * time.random());
  }
}

function lost(code: 'CONSUL_UNREACHABLE' | 'CONSUL_NO_SERVERS' | 'CONSUL_RATE_LIMITED'): ConsulError {
  return new ConsulError(code, 'the simulated agent does not answer', { remedy: 'wait' });
}
