import { once } from 'node:events';
import { PublishError } from '../../../src/errors.ts';
import { describeCause } from '../../../src/identity/policy/decision.ts';
import type { Published } from '../../../src/identity/published.ts';
import type { Publication, Publisher, WriteOutcome } from '../../../src/publish/publisher.ts';
import type { VirtualTime } from '../virtual-time.ts';

/** The content of one Secret; a write is rejected if it has another version than was read. */
export interface Stored {
  readonly version: number;
  readonly data: Readonly<Record<string, string>>;
  readonly record: WriteRecord;
}

/** The content of the annotations. */
export interface WriteRecord {
  readonly rootsIndex: bigint | undefined;
  readonly serial?: string | undefined;
  /** The newest first. */
  readonly writes: readonly string[];
}

const UNWRITTEN: WriteRecord = { rootsIndex: undefined, writes: [] };
const MAX_WRITES = 5;

export const OBJECTS = ['ca', 'identity'] as const;
export type ObjectName = (typeof OBJECTS)[number];
type Objects = Partial<Record<ObjectName, Stored>>;

/** One write of a connector, and the data before it. */
export interface Write {
  readonly at: number;
  readonly object: ObjectName;
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
  readonly record: WriteRecord;
  /** Whether a replica with the previous rules made it. */
  readonly isFormer: boolean;
}

/** An API server in memory with the two Secrets. */
export class Store {
  objects: Objects = {};
  readonly writes: Write[] = [];
  readonly #time: VirtualTime;
  readonly #watchers = new Set<() => void>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  write(
    object: ObjectName,
    data: Readonly<Record<string, string>>,
    { rootsIndex, serial, writes }: WriteRecord,
    isFormer: boolean,
  ): void {
    const { data: before = {}, record: previous = UNWRITTEN } = this.objects[object] ?? {};
    const record = { rootsIndex, serial, writes: [...writes, ...previous.writes].slice(0, MAX_WRITES) };
    this.writes.push({ at: this.#time.now, object, before, after: data, record, isFormer });
    this.#put(object, data, record);
  }

  /** A manual edit, which keeps the annotations or restores them too. */
  edit(
    object: ObjectName,
    data: Readonly<Record<string, string>>,
    record = this.objects[object]?.record ?? UNWRITTEN,
  ): void {
    this.#put(object, data, record);
  }

  #put(object: ObjectName, data: Readonly<Record<string, string>>, record: WriteRecord): void {
    const version = (this.objects[object]?.version ?? 0) + 1;
    this.objects = { ...this.objects, [object]: { version, data, record } };
    for (const watcher of this.#watchers) watcher();
  }

  /** What is published, as a publisher reads it. */
  static published(objects: Objects, verifiesUpstream = false): Published | undefined {
    const { identity, ca } = objects;
    if (identity === undefined) return undefined;
    return {
      certificatePem: identity.data['tls.crt'] ?? '',
      privateKeyPem: identity.data['tls.key'] ?? '',
      caPem: identity.data['ca.crt'],
      upstreamCaPem: verifiesUpstream ? ca?.data['tls.crt'] : undefined,
      rootsIndex: identity.record.rootsIndex,
      upstreamRootsIndex: verifiesUpstream ? ca?.record.rootsIndex : undefined,
      writtenSerial: identity.record.serial,
      writes: identity.record.writes,
    };
  }
}

interface StorePublisherOptions {
  readonly watchDelayMs: number;
  /** Default: false. */
  readonly verifiesUpstream?: boolean;
  /** Whether a replica with the previous rules uses it. Default: false. */
  readonly isFormer?: boolean;
  /** How far its clock is ahead. Default: 0. */
  readonly skewMs?: number;
}

/** One replica's publisher: it reads what its watch has shown, and writes with that version. */
export class StorePublisher implements Publisher {
  readonly target = { kind: 'directory', directory: 'store' } as const;
  /** Whether the API server can be reached. */
  isCutOff = false;
  readonly #store: Store;
  readonly #time: VirtualTime;
  readonly #options: StorePublisherOptions;
  #cache: Objects;
  #onChange: () => void = () => undefined;

  constructor(store: Store, time: VirtualTime, options: StorePublisherOptions) {
    this.#store = store;
    this.#time = time;
    this.#options = options;
    this.#cache = store.objects;
  }

  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    const unwatch = this.#store.watch(() => {
      const delay = this.#options.watchDelayMs * (0.5 + this.#time.random());
      this.#time.at(this.#time.now + delay, () => this.catchUp());
    });
    onChange();
    await once(signal, 'abort');
    unwatch();
  }

  catchUp(): void {
    if (this.isCutOff) return;
    this.#cache = this.#store.objects;
    this.#onChange();
  }

  async read(): Promise<Published | undefined> {
    this.#assertReachable();
    return Store.published(this.#cache, this.#options.verifiesUpstream);
  }

  async write({ content, cause, rootsIndex }: Publication, signal: AbortSignal): Promise<WriteOutcome> {
    const { verifiesUpstream = false, isFormer = false, skewMs = 0 } = this.#options;
    const { tlsCrt, tlsKey, caCrt, upstreamCaCrt = caCrt } = content;
    const wanted: [ObjectName, Record<string, string>][] = [
      ['identity', { 'tls.crt': tlsCrt, 'tls.key': tlsKey, 'ca.crt': caCrt }],
    ];
    if (verifiesUpstream) wanted.unshift(['ca', { 'tls.crt': upstreamCaCrt }]);
    let outcome: WriteOutcome = 'unchanged';
    for (const [object, data] of wanted) {
      if (JSON.stringify(this.#cache[object]?.data) === JSON.stringify(data)) continue;
      await this.#time.sleep(1 + this.#time.random() * 10, signal);
      this.#assertReachable();
      if (this.#store.objects[object]?.version !== this.#cache[object]?.version) {
        this.#cache = this.#store.objects;
        return 'conflict';
      }
      const at = new Date(this.#time.now + skewMs).toISOString();
      const serial = content.identity.leaf.serialNumber;
      const record = { rootsIndex, serial, writes: [`${at} ${describeCause(cause)}`] };
      this.#store.write(object, data, record, isFormer);
      this.#cache = { ...this.#cache, [object]: this.#store.objects[object] };
      outcome = 'written';
    }
    return outcome;
  }

  async publishService(): Promise<WriteOutcome> {
    return 'unchanged';
  }

  record(): void {}

  async close(): Promise<void> {}

  #assertReachable(): void {
    if (this.isCutOff) throw new PublishError('KUBERNETES_UNREACHABLE', 'the API server is away');
  }
}
