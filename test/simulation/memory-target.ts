import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { PublishError } from '../../src/errors.ts';
import type { Published } from '../../src/identity/published.ts';
import type { Publication, Publisher, WriteOutcome } from '../../src/publish/publisher.ts';

export type TargetState = 'open' | 'away' | 'conflicts';

/** A target in memory: it can be unreachable, and another writer can always be first. */
export class MemoryTarget implements Publisher {
  readonly target = { kind: 'directory', directory: 'memory' } as const;
  published: Published | undefined;
  writes = 0;
  /** Called when the connector reads the target and could write. */
  readonly #onRead: () => void;
  #state: TargetState = 'open';
  #onChange: () => void = () => undefined;

  constructor(onRead: () => void = () => undefined) {
    this.#onRead = onRead;
  }

  set state(state: TargetState) {
    this.#state = state;
    if (state === 'open') this.#onChange();
  }

  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    onChange();
    await once(signal, 'abort');
  }

  async read(): Promise<Published | undefined> {
    this.#refuseWhenAway();
    if (this.#state === 'open') this.#onRead();
    return this.published;
  }

  async write({ content }: Publication): Promise<WriteOutcome> {
    this.#refuseWhenAway();
    const { tlsCrt: certificatePem, tlsKey: privateKeyPem, caCrt: caPem } = content;
    const next = { certificatePem, privateKeyPem, caPem };
    if (isDeepStrictEqual(next, this.published)) return 'unchanged';
    if (this.#state === 'conflicts') return 'conflict';
    this.published = next;
    this.writes += 1;
    return 'written';
  }

  record(): void {}

  async publishService(): Promise<WriteOutcome> {
    return 'unchanged';
  }

  async close(): Promise<void> {}

  #refuseWhenAway(): void {
    if (this.#state === 'away') throw new PublishError('KUBERNETES_UNREACHABLE', 'the API server is away');
  }
}
