import { setTimeout as sleep } from 'node:timers/promises';

/** What a Secret, or a folder, holds. */
export interface Pems {
  readonly certificatePem: string;
  readonly caPem: string;
}

/** A Secret as it was stored, and when by `performance.now()`. */
export interface Stored extends Pems {
  readonly at: number;
}

const KEPT = 500;
const QUIET_MS = 2_000;
const WITHIN_MS = 60_000;

/** The Secrets that were stored of late, and who waits for one. */
export class Sightings {
  readonly #seen: Stored[] = [];
  readonly #waiting = new Set<(stored: Stored) => void>();
  #count = 0;

  /** How many were stored so far. */
  get count(): number {
    return this.#count;
  }

  /** Notes one that is stored in this moment. */
  saw({ certificatePem, caPem }: Pems): void {
    const stored = { at: performance.now(), certificatePem, caPem };
    this.#count += 1;
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

/** What a Secret holds, by its `data`. */
export function pemsOf(data: Readonly<Record<string, string>> = {}): Pems {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { certificatePem: text('tls.crt'), caPem: text('ca.crt') };
}

/** Whether `pem` holds a certificate, however it is wrapped. */
export function holds(pem: string, certificate: string): boolean {
  return bare(pem).includes(bare(certificate));
}

function bare(pem: string): string {
  return pem.replace(/\s/g, '');
}
