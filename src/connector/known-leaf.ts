import type { Published } from '../identity/published.ts';
import { type Certificate, tryReadCertificates } from '../identity/x509/certificate.ts';

/** Writes that are remembered; a rotation is two or three. */
const MAX_SUPERSEDED = 50;

interface Seen {
  readonly leaf: Certificate;
  /** When and why it was written, the newest first. */
  readonly writes: readonly string[];
}

/**
 * Whether a connector published the leaf that is in place. Somebody else put it there where its serial number is not the
 * one that was written with it, or where it comes from a backup: it is older than the last, and what is told of its writes is
 * of before that too.
 */
export class KnownLeaf {
  /** The last that a connector published. */
  #seen: Seen | undefined;
  /** Writes that another one followed. */
  readonly #superseded = new Set<string>();
  /** In place, and of somebody else. */
  #foreign: Certificate | undefined;

  /** The serial number of the published leaf in lower-case hex, where somebody else put it there. */
  get foreignSerial(): string | undefined {
    return this.#foreign?.x509.serialNumber.toLowerCase();
  }

  /** Takes what is published now. */
  observe(published: Published | undefined): void {
    const [leaf] = tryReadCertificates(published?.certificatePem ?? '');
    if (leaf === undefined || published === undefined) return;
    if (leaf.fingerprint === this.#foreign?.fingerprint) return;
    const isKnown = leaf.fingerprint === this.#seen?.leaf.fingerprint;
    if (!isKnown && (isOfNoWrite(leaf, published) || this.#isRestored(leaf, published))) {
      this.#foreign = leaf;
      return;
    }
    const { writes = [] } = published;
    this.#take(leaf, writes);
    this.#supersede(writes.slice(1));
  }

  /** Takes that this process published `leaf`. */
  wrote(leaf: Certificate): void {
    this.#take(leaf, []);
  }

  #take(leaf: Certificate, writes: readonly string[]): void {
    const { writes: before = [] } = this.#seen ?? {};
    this.#supersede(before.filter((write) => write !== writes[0]));
    this.#foreign = undefined;
    this.#seen = { leaf, writes };
  }

  #supersede(writes: readonly string[]): void {
    for (const write of writes) this.#superseded.add(write);
    for (const oldest of this.#superseded) {
      if (this.#superseded.size <= MAX_SUPERSEDED) break;
      this.#superseded.delete(oldest);
    }
  }

  #isRestored(leaf: Certificate, { writes = [] }: Published): boolean {
    const [newest] = writes;
    if (this.#seen === undefined || newest === undefined) return false;
    const isOlder = leaf.notBefore < this.#seen.leaf.notBefore && leaf.notAfter < this.#seen.leaf.notAfter;
    return isOlder && (this.#superseded.has(newest) || this.#isBefore(newest, writes));
  }

  /** Each line begins with its time. Another replica's clock may be behind, but its write has the last one after it. */
  #isBefore(newest: string, writes: readonly string[]): boolean {
    const [seen] = this.#seen?.writes ?? [];
    return seen !== undefined && newest < seen && !writes.includes(seen);
  }
}

function isOfNoWrite({ x509 }: Certificate, { writtenSerial }: Published): boolean {
  return writtenSerial !== undefined && writtenSerial !== x509.serialNumber.toLowerCase();
}
