import { setTimeout as sleep } from 'node:timers/promises';

/** A Secret as it was stored, and when by `performance.now()`. */
export interface Stored {
  readonly at: number;
  readonly certificatePem: string;
  readonly caPem: string;
}

/** A Consul and an API server for one subject at a time. */
export interface Stage {
  /** What a subject is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  /** Makes Consul list another root; resolves with the instant of that, and the root. */
  change(): Promise<{ readonly at: number; readonly rootPem: string }>;
  /** Removes what was published. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const KEPT = 500;
const QUIET_MS = 2_000;
const WITHIN_MS = 60_000;

/** The Secrets that were stored of late, and who waits for one. */
export class Sightings {
  readonly #seen: Stored[] = [];
  readonly #waiting = new Set<(stored: Stored) => void>();

  /** Notes a Secret that is stored in this moment. */
  saw(data: Readonly<Record<string, string>> = {}): void {
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    const stored = { at: performance.now(), certificatePem: text('tls.crt'), caPem: text('ca.crt') };
    this.#seen.push(stored);
    if (this.#seen.length > KEPT) this.#seen.shift();
    for (const tell of this.#waiting) tell(stored);
  }

  /** Waits for so many and resolves with how long after `since` each was stored, in milliseconds, the first first. */
  async stored(
    count: number,
    since: number,
    fits: (stored: Stored) => boolean = () => true,
  ): Promise<number[]> {
    const took: number[] = [];
    for (let from = since; took.length < count; ) {
      const { at } = await this.first(from, (stored) => stored.at > from && fits(stored));
      took.push(at - since);
      from = at;
    }
    return took;
  }

  /** Resolves once none has been stored for two seconds. */
  async quiet(): Promise<void> {
    for (;;) {
      const last = this.#seen.at(-1);
      await sleep(QUIET_MS);
      if (this.#seen.at(-1) === last) return;
    }
  }

  /**
   * The first one stored at `since` or later that `fits`, whether it is there by now or not.
   *
   * @throws Error when there is none within a minute
   */
  first(since: number, fits: (stored: Stored) => boolean = () => true): Promise<Stored> {
    const isIt = (stored: Stored): boolean => stored.at >= since && fits(stored);
    const found = this.#seen.find(isIt);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const tell = (stored: Stored): void => {
        if (!isIt(stored)) return;
        this.#waiting.delete(tell);
        clearTimeout(timer);
        resolve(stored);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(tell);
        reject(new Error(`no such Secret within ${WITHIN_MS} ms`));
      }, WITHIN_MS);
      this.#waiting.add(tell);
    });
  }
}

/** Whether the bundle holds a certificate, however its PEM is wrapped. */
export function holdsRoot({ caPem }: Stored, rootPem: string): boolean {
  return bare(caPem).includes(bare(rootPem));
}

function bare(pem: string): string {
  return pem.replace(/\s/g, '');
}
