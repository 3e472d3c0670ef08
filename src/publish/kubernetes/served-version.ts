import { PublishError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PublishObserver } from '../publisher.ts';
import { chooseApiVersion } from '../tls-context.ts';
import type { KubernetesClient } from './api/client.ts';

export interface ServedVersionOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly observer: Pick<PublishObserver, 'discoveryFailed'>;
}

const DISCOVERY_LASTS_MS = 10 * 60_000;

/** The apiVersion for the annotation, from what the cluster serves: CRDs may be installed under a running daemon. */
export class ServedVersion {
  readonly #options: ServedVersionOptions;
  /** `at` in milliseconds of the monotonic clock. */
  #discovered: { apiVersion: string; at: number } | undefined;

  constructor(options: ServedVersionOptions) {
    this.#options = options;
  }

  /** Calls `onChange` each time it is to be asked anew: nothing else wakes the publishing loop for that. */
  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(DISCOVERY_LASTS_MS + 1, signal);
      onChange();
    }
  }

  /** @throws PublishError when it has never been known and cannot be asked, but for a missing right */
  async current(signal: AbortSignal): Promise<string> {
    const now = this.#options.clock.monotonic();
    if (this.#discovered === undefined || now - this.#discovered.at > DISCOVERY_LASTS_MS) {
      this.#discovered = { apiVersion: await this.#discover(signal), at: now };
    }
    return this.#discovered.apiVersion;
  }

  /**
   * Where the cluster may not be asked, or cannot be asked again, what was known stays, or else that of the seed. The
   * Service must not wait for a right that only makes it better.
   */
  async #discover(signal: AbortSignal): Promise<string> {
    const { client, observer } = this.#options;
    try {
      return chooseApiVersion(await client.servedVersions('getambassador.io', signal));
    } catch (error) {
      if (signal.aborted || !(error instanceof PublishError)) throw error;
      const known = this.#discovered?.apiVersion;
      if (known === undefined && error.code !== 'KUBERNETES_FORBIDDEN') throw error;
      const apiVersion = known ?? chooseApiVersion([]);
      observer.discoveryFailed(error, apiVersion, DISCOVERY_LASTS_MS);
      return apiVersion;
    }
  }
}
