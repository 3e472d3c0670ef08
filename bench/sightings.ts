import { setTimeout as sleep } from 'node:timers/promises';

/** The content of a Secret or a folder. */
export interface Pems {
  readonly certificatePem: string;
  readonly caPem: string;
}

/** A stored Secret, and its time by `performance.now()`. */
export interface Stored extends Pems {
  readonly at: number;
}

const KEPT = 500;
const QUIET_MS = 2_000;
const WITHIN_MS = 60_000;

/** The recently stored Secrets, and the waiters for one. */
export class Sightings {
  readonly #seen: Stored[] = [];
  readonly #waiting = new Set<(stored: Stored) => void>();
  #count = 0;

  /** The number of stored Secrets so far. */
  get count(): number {
    return this.#count;
  }

  /** Records a Secret that is stored at this moment. */
  saw({ certificatePem, caPem }: Pems): void {
    const stored = { at: performance.now(), certificatePem, caPem };
    this.#count += 1;
    this.#seen.push(stored);
    if (this.#seen.length > KEPT) this.#seen.shift();
    for (const listener of this.#waiting) listener(stored);
  }

  /** Waits for `count` Secrets and resolves with their times after `since` in milliseconds, in order. */
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
   * The first one stored at `since` or later that `fits`; waits for it if necessary.
   *
   * @throws Error if there is none within a minute
   */
  first(since: number, fits: (stored: Stored) => boolean = () => true): Promise<Stored> {
    const isIt = (stored: Stored): boolean => stored.at >= since && fits(stored);
    const found = this.#seen.find(isIt);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const listener = (stored: Stored): void => {
        if (!isIt(stored)) return;
        this.#waiting.delete(listener);
        clearTimeout(timer);
        resolve(stored);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(listener);
        reject(new Error(`no such Secret within ${WITHIN_MS} ms`));
      }, WITHIN_MS);
      this.#waiting.add(listener);
    });
  }
}

/** The content of a Secret, from its `data`. */
export function pemsOf(data: Readonly<Record<string, string>> = {}): Pems {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { certificatePem: text('tls.crt'), caPem: text('ca.crt') };
}

/** Whether `pem` contains a certificate, independent of line breaks. */
export function holds(pem: string, certificate: string): boolean {
  return bare(pem).includes(bare(certificate));
}

function bare(pem: string): string {
  return pem.replace(/\s/g, '');
}
