import { PublishError } from '../../src/errors.ts';
import type { Published } from '../../src/identity/policy/decide.ts';
import type { Publication, Publisher, WriteOutcome } from '../../src/publish/publisher.ts';

export type PlaceState = 'open' | 'away' | 'conflicts';

/** A place of publication in memory: it can be away, and somebody else can always be faster. */
export class MemoryPlace implements Publisher {
  readonly target = { place: 'memory' };
  published: Published | undefined;
  writes = 0;
  /** Called whenever the connector looks at the place and could write. */
  readonly #onOccasion: () => void;
  #state: PlaceState = 'open';
  #onChange: () => void = () => undefined;

  constructor(onOccasion: () => void) {
    this.#onOccasion = onOccasion;
  }

  set state(state: PlaceState) {
    this.#state = state;
    if (state === 'open') this.#onChange();
  }

  run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    onChange();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  async read(): Promise<Published | undefined> {
    this.#refuseWhenAway();
    if (this.#state === 'open') this.#onOccasion();
    return this.published;
  }

  async write({ content, decision }: Publication): Promise<WriteOutcome> {
    this.#refuseWhenAway();
    if (!decision.writesLeaf && !decision.writesBundle) return 'unchanged';
    if (this.#state === 'conflicts') return 'conflict';
    this.published = { certificatePem: content.tlsCrt, privateKeyPem: content.tlsKey, caPem: content.caCrt };
    this.writes += 1;
    return 'written';
  }

  async publishService(): Promise<WriteOutcome> {
    return 'unchanged';
  }

  async close(): Promise<void> {}

  #refuseWhenAway(): void {
    if (this.#state === 'away') throw new PublishError('KUBERNETES_UNREACHABLE', 'the API server is away');
  }
}
