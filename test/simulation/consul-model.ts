import type { Consul } from '../../src/consul/client.ts';
import { leafPath, ROOTS_PATH } from '../../src/consul/connect-ca.ts';
import type { Connection, ConsulAnswer } from '../../src/consul/connection.ts';
import { ConsulError } from '../../src/errors.ts';
import {
  type Authority,
  createRoot,
  generateKeyPair,
  type KeyPair,
} from '../fixtures/certificates/factory.ts';
import { LeafPress } from './leaf-press.ts';
import { Sleepers, type VirtualTime } from './virtual-time.ts';

const MINUTE_MS = 60_000;
const ROOT_LIFETIME_MS = 40 * 365 * 24 * 60 * MINUTE_MS;
const MAX_ROTATION_MS = 30_000;
const CHURN_MS = 2_000;
export const SERVICE = 'ambassador';
export const TRUST_DOMAIN = '11111111-2222-3333-4444-555555555555.consul';

export interface Root {
  readonly id: string;
  readonly certPem: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly authority: Authority;
  readonly presses: readonly LeafPress[];
  /** This root, cross-signed by the root before it. */
  readonly crossPem: string | undefined;
  readonly crossedBy: string | undefined;
  readonly since: number;
}

export interface Leaf {
  readonly text: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** The roots it chains to: that of its issuer, and the one that cross-signed it. */
  readonly rootId: string;
  readonly crossedBy: string | undefined;
}

interface Agent {
  /** Never wakes a blocked leaf query over a new root (consul PR #15005). */
  readonly deaf: boolean;
  leaf: Leaf | undefined;
  index: number;
  renewAt: number;
  rotateAt: number;
}

/** What the current connector has received. */
export interface Offered {
  leaf: Leaf | undefined;
  roots: readonly Root[] | undefined;
}

/** Consul's Connect CA with several agents, each with its own cache of leaves, in virtual time. */
export class ConsulModel implements Consul {
  readonly lifetimeMs: number;
  /** The active root first. */
  roots: readonly Root[] = [];
  away = false;
  leafChurn = false;
  offered: Offered = { leaf: undefined, roots: undefined };
  leavesSigned = 0;
  readonly #time: VirtualTime;
  readonly #keys: readonly KeyPair[];
  readonly #agents: Agent[];
  #agent: Agent;
  #rootsIndex = 100;
  readonly #sleepers: Sleepers;
  #cut = 0;

  private constructor(time: VirtualTime, lifetimeMs: number, keys: readonly KeyPair[]) {
    this.#time = time;
    this.#sleepers = new Sleepers(time);
    this.lifetimeMs = lifetimeMs;
    this.#keys = keys;
    const agent = (deaf: boolean): Agent => ({ deaf, leaf: undefined, index: 10, renewAt: 0, rotateAt: 0 });
    this.#agent = agent(false);
    this.#agents = [this.#agent, agent(true), agent(false)];
  }

  static async start(time: VirtualTime, lifetimeMs: number): Promise<ConsulModel> {
    const keys = await Promise.all([generateKeyPair('ec-p256'), generateKeyPair('ec-p256')]);
    const model = new ConsulModel(time, lifetimeMs, keys);
    await model.rotate(false);
    return model;
  }

  /** A new active root, of which the agents get a leaf within half a minute. */
  async rotate(crossSigned: boolean): Promise<void> {
    const { now } = this.#time;
    const notBefore = Math.floor(now / 1000) * 1000 - MINUTE_MS;
    const notAfter = notBefore + ROOT_LIFETIME_MS;
    const validity = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
    const authority = await createRoot({ trustDomain: TRUST_DOMAIN, ...validity });
    const [old] = this.roots;
    const cross = crossSigned ? old?.authority.crossSign(authority, validity) : undefined;
    const presses = await Promise.all(this.#keys.map((keys) => LeafPress.of(authority, SERVICE, keys)));
    const id = authority.serial;
    const crossedBy = cross === undefined ? undefined : old?.id;
    const { certPem } = authority;
    const crossPem = cross?.certPem;
    const root = { id, certPem, notBefore, notAfter, authority, presses, crossPem, crossedBy, since: now };
    this.roots = [root, ...this.roots];
    this.#rootsIndex += 1;
    for (const agent of this.#agents)
      agent.rotateAt = now + Math.floor(this.#time.random() * MAX_ROTATION_MS);
    this.#sleepers.wake();
  }

  /** Consul drops a root once no leaf of it can be valid. */
  dropOldest(): void {
    this.roots = this.roots.slice(0, -1);
    this.#rootsIndex += 1;
    this.#sleepers.wake();
  }

  missingPermission(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  restartAgent(): void {
    this.#agent.leaf = undefined;
    this.#agent.index = 10;
    this.disconnect();
  }

  move(): void {
    const others = this.#agents.filter((agent) => agent !== this.#agent);
    this.#agent = others[Math.floor(this.#time.random() * others.length)] ?? this.#agent;
    this.disconnect();
  }

  disconnect(): void {
    this.#cut += 1;
    this.#sleepers.wake();
  }

  setLeafChurn(leafChurn: boolean): void {
    this.leafChurn = leafChurn;
    this.#sleepers.wake();
  }

  connect(): Connection {
    return {
      get: (path, query, _deadlineMs, signal) => this.#get(path, query, signal),
      getFromAny: (path, _deadlineMs, signal) => this.#get(path, new URLSearchParams(), signal),
    };
  }

  async close(): Promise<void> {}

  async #get(path: string, query: URLSearchParams, signal: AbortSignal): Promise<ConsulAnswer> {
    const isRoots = path === ROOTS_PATH;
    if (!isRoots && path !== leafPath(SERVICE))
      throw new ConsulError('CONSUL_NOT_FOUND', path, { remedy: 'request the one service' });
    const cut = this.#cut;
    const end = this.#time.now + Number.parseInt(query.get('wait') ?? '0', 10);
    const known = query.get('index');
    await this.#latency(isRoots ? 0 : 1, signal);
    for (;;) {
      if (signal.aborted || this.away || cut !== this.#cut)
        throw new ConsulError('CONSUL_UNREACHABLE', 'the connection to Consul was cut', { remedy: 'wait' });
      const index = String(isRoots ? this.#rootsIndex : this.#leafIndex());
      if (index !== known || this.#time.now >= end) return this.#answer(isRoots, index);
      const due = isRoots ? end : Math.min(end, this.#dueAt());
      await this.#sleepers.sleepUntil(due, signal);
      await this.#latency(isRoots ? 0 : 1, signal);
    }
  }

  #answer(isRoots: boolean, index: string): ConsulAnswer {
    if (isRoots) this.offered.roots = this.roots;
    else this.offered.leaf = this.#agent.leaf;
    const text = isRoots ? rootsText(this.roots) : (this.#agent.leaf?.text ?? '');
    return { text, index, age: undefined };
  }

  /** Roots and leaf are never answered in the same millisecond, so that their order is never random. */
  async #latency(parity: number, signal: AbortSignal): Promise<void> {
    const ms = 2 * Math.floor(1 + this.#time.random() * 20);
    await this.#time.sleep(ms + ((((parity - this.#time.now) % 2) + 2) % 2), signal);
  }

  #leafIndex(): number {
    const agent = this.#agent;
    const { leaf } = agent;
    const { now } = this.#time;
    const isRotated = leaf !== undefined && leaf.rootId !== this.roots[0]?.id && now >= agent.rotateAt;
    const isChurning = this.leafChurn && leaf !== undefined && now >= leaf.notBefore + MINUTE_MS + CHURN_MS;
    if (leaf === undefined || now >= agent.renewAt || isRotated || isChurning) this.#renew(agent);
    return agent.index;
  }

  #dueAt(): number {
    const { leaf, deaf, rotateAt, renewAt } = this.#agent;
    if (leaf === undefined) return this.#time.now;
    const rotation = leaf.rootId === this.roots[0]?.id || deaf ? Number.POSITIVE_INFINITY : rotateAt;
    const nextChurn = this.leafChurn ? leaf.notBefore + MINUTE_MS + CHURN_MS : Number.POSITIVE_INFINITY;
    return Math.min(renewAt, rotation, nextChurn);
  }

  /** Valid from a minute ago, as Consul's are; renewed at 60 to 90 % of the lifetime. */
  #renew(agent: Agent): void {
    const [root] = this.roots;
    const press = root?.presses[this.leavesSigned % root.presses.length];
    if (root === undefined || press === undefined) throw new Error('the model has no root');
    const notBefore = Math.floor(this.#time.now / 1000) * 1000 - MINUTE_MS;
    const notAfter = notBefore + this.lifetimeMs;
    const certificate = press.press(notBefore, notAfter) + (root.crossPem ?? '');
    const text = JSON.stringify({ CertPEM: certificate, PrivateKeyPEM: press.keyPem });
    agent.leaf = { text, notBefore, notAfter, rootId: root.id, crossedBy: root.crossedBy };
    agent.index += 1;
    agent.renewAt = notBefore + Math.floor(this.lifetimeMs * (0.6 + 0.3 * this.#time.random()));
    this.leavesSigned += 1;
  }
}

/** Consul's answer about roots, the first of them active. */
export function rootsText(roots: readonly Pick<Root, 'id' | 'certPem' | 'crossPem'>[]): string {
  const Roots = roots.map(({ id, certPem, crossPem }, position) => ({
    ID: id,
    Active: position === 0,
    RootCert: certPem,
    IntermediateCerts: crossPem === undefined ? null : [crossPem],
  }));
  return JSON.stringify({ ActiveRootID: roots[0]?.id, TrustDomain: TRUST_DOMAIN, Roots });
}
