import { X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../src/clock.ts';
import { type Authority, createRoot, type IssuedLeaf, type KeyType } from '../certificates/factory.ts';
import { handOutKey } from '../e2e/support/secrets.ts';
import type { Versioned } from './blocking-query.ts';
import { Changes } from './changes.ts';

export interface MeshAuthorityOptions {
  readonly clock: Clock;
  readonly datacenter: string;
  readonly leafTtlMs: number;
  /** How long before it is issued a leaf becomes valid; by default a minute, as Consul's, or less for short lives. */
  readonly backdateMs?: number | undefined;
  readonly rootKeyType: KeyType;
  readonly leafKeyType: KeyType;
}

export interface Root {
  readonly authority: Authority;
  /** SHA-1 of the certificate, lower-case hex with colons. */
  readonly id: string;
  readonly active: boolean;
  /** Cross-signed by the root before, for those who know only that one. */
  readonly intermediates: readonly string[];
  readonly createIndex: bigint;
  readonly modifyIndex: bigint;
}

export interface Leaf {
  readonly service: string;
  readonly issued: IssuedLeaf;
  readonly rootId: string;
  readonly chainPem: string;
  readonly index: bigint;
}

interface Held {
  readonly leaf: Promise<Leaf>;
  /** Aborted when another leaf takes its place. */
  readonly replaced: AbortController;
}

export interface Rotation {
  /** Sign the new root with the old one as well, as Consul does by default. */
  readonly crossSign?: boolean | undefined;
  /** How long the old leaves are still handed out; a real Consul takes up to 30 s. Default 1 s. */
  readonly leafDelayMs?: number | undefined;
}

const FIRST_INDEX = 10n;
const DEFAULT_LEAF_DELAY_MS = 1000;
const LONGEST_BACKDATE_MS = 60_000;

/** Consul's built-in CA: roots, leaves, one raft index over both, renewals by itself. */
export class MeshAuthority {
  readonly changes = new Changes();
  readonly trustDomain: string;
  readonly #options: MeshAuthorityOptions;
  readonly #closed = new AbortController();
  readonly #leaves = new Map<string, Held>();
  /** In milliseconds, of the leaves that are issued from now on. */
  leafTtlMs: number;
  #index = FIRST_INDEX;
  #rootsIndex: bigint;
  #roots: readonly Root[];

  private constructor(options: MeshAuthorityOptions, first: Authority) {
    // Every rotation waits in it for the end of its old root, however many there are; Node warns of more than ten.
    setMaxListeners(0, this.#closed.signal);
    this.#options = options;
    this.leafTtlMs = options.leafTtlMs;
    this.trustDomain = first.trustDomain;
    this.#rootsIndex = this.#nextIndex();
    this.#roots = [this.#newRoot(first, [], this.#rootsIndex)];
  }

  static async create(options: MeshAuthorityOptions): Promise<MeshAuthority> {
    return new MeshAuthority(options, await newAuthority(options));
  }

  roots(): Versioned<readonly Root[]> {
    return { index: this.#rootsIndex, value: this.#roots };
  }

  get activeRoot(): Root {
    const active = this.#roots.find((root) => root.active);
    if (active === undefined) throw new Error('the CA has no active root');
    return active;
  }

  /** The service's leaf, issued when it is first asked for. */
  leaf(service: string): Promise<Leaf> {
    return this.#leaves.get(service)?.leaf ?? this.#hold(service, this.#issue(service));
  }

  /** A new leaf before its time, with a new key. */
  async renewLeaf(service: string): Promise<Leaf> {
    const leaf = await this.#issue(service);
    void this.#hold(service, Promise.resolve(leaf));
    this.changes.announce();
    return leaf;
  }

  /** What an agent loses when it restarts: the CA is the servers', the leaves are its own. */
  forgetLeaves(): void {
    for (const { replaced } of this.#leaves.values()) replaced.abort();
    this.#leaves.clear();
  }

  /** The new root is active when this resolves; the leaves follow after `leafDelayMs`, the old root goes after two leaf TTLs. */
  async rotateRoot(rotation: Rotation = {}): Promise<Root> {
    const next = await newAuthority(this.#options, this.trustDomain);
    const previous = this.activeRoot;
    const crossSigned =
      rotation.crossSign === false ? [] : [(await previous.authority.crossSign(next)).certPem];
    const index = this.#nextIndex();
    const root = this.#newRoot(next, crossSigned, index);
    this.#roots = [
      root,
      ...this.#roots.map((old) => (old.active ? { ...old, active: false, modifyIndex: index } : old)),
    ];
    this.#rootsIndex = index;
    this.changes.announce();
    this.#after(rotation.leafDelayMs ?? DEFAULT_LEAF_DELAY_MS, () => this.#followRotation());
    this.#after(2 * this.leafTtlMs, () => this.#prune(previous.id));
    return root;
  }

  /** Lists these behind the active root, in place of the inactive ones so far; for what depends on how many there are. */
  listInactive(authorities: readonly Authority[]): void {
    const index = this.#nextIndex();
    const inactive = authorities.map((authority) => ({
      ...this.#newRoot(authority, [], index),
      active: false,
    }));
    this.#roots = [this.activeRoot, ...inactive];
    this.#rootsIndex = index;
    this.changes.announce();
  }

  close(): void {
    this.#closed.abort();
    this.#leaves.clear();
  }

  async #followRotation(): Promise<void> {
    for (const [service, held] of [...this.#leaves]) {
      const { rootId } = await held.leaf;
      if (rootId !== this.activeRoot.id) await this.renewLeaf(service);
    }
  }

  #prune(rootId: string): void {
    this.#rootsIndex = this.#nextIndex();
    this.#roots = this.#roots.filter((root) => root.id !== rootId);
    this.changes.announce();
  }

  async #issue(service: string): Promise<Leaf> {
    const { clock, datacenter, leafKeyType, backdateMs } = this.#options;
    const { leafTtlMs } = this;
    const root = this.activeRoot;
    const now = clock.now();
    const issued = await root.authority.issueLeaf({
      service,
      datacenter,
      keyType: leafKeyType,
      emptyDn: true,
      // Consul backdates by a minute against clocks that differ; a lifetime of seconds bears less.
      notBefore: new Date(now - (backdateMs ?? Math.min(LONGEST_BACKDATE_MS, leafTtlMs / 20))),
      notAfter: new Date(now + leafTtlMs),
    });
    handOutKey(issued.keyPem);
    return {
      service,
      issued,
      rootId: root.id,
      chainPem: [issued.certPem, ...root.intermediates].join(''),
      index: this.#nextIndex(),
    };
  }

  async #hold(service: string, leaf: Promise<Leaf>): Promise<Leaf> {
    const replaced = new AbortController();
    this.#leaves.get(service)?.replaced.abort();
    this.#leaves.set(service, { leaf, replaced });
    await leaf;
    const renewAfterMs = this.leafTtlMs * (0.7 + this.#options.clock.random() / 10);
    this.#after(renewAfterMs, () => this.renewLeaf(service), replaced);
    return leaf;
  }

  #after(ms: number, act: () => unknown, cancel: AbortController = new AbortController()): void {
    const closed = this.#closed.signal;
    const onClosed = (): void => cancel.abort();
    if (closed.aborted) cancel.abort();
    closed.addEventListener('abort', onClosed, { once: true });
    void this.#options.clock.sleep(ms, cancel.signal).then(() => {
      closed.removeEventListener('abort', onClosed);
      return cancel.signal.aborted ? undefined : act();
    });
  }

  #newRoot(authority: Authority, intermediates: readonly string[], index: bigint): Root {
    const id = new X509Certificate(authority.certPem).fingerprint.toLowerCase();
    return { authority, id, active: true, intermediates, createIndex: index, modifyIndex: index };
  }

  #nextIndex(): bigint {
    this.#index += 1n;
    return this.#index;
  }
}

function newAuthority(options: MeshAuthorityOptions, trustDomain?: string): Promise<Authority> {
  const notBefore = new Date(options.clock.now() - LONGEST_BACKDATE_MS);
  return createRoot({ trustDomain, keyType: options.rootKeyType, notBefore });
}
