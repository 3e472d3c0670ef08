import type { Published } from '../identity/published.ts';
import { type Certificate, tryReadCertificates } from '../identity/x509/certificate.ts';

/** The number of remembered writes; a rotation is two or three. */
const MAX_SUPERSEDED = 50;

interface Seen {
  readonly leaf: Certificate;
  /** The time and reason of its writes, newest first. */
  readonly writes: readonly string[];
}

/**
 * Detects a published leaf that no connector has written: its serial number differs from the recorded one, or it comes from a
 * backup, where both the leaf and its write record are older than the last ones.
 */
export class KnownLeaf {
  /** The last leaf published by a connector. */
  #seen: Seen | undefined;
  /** Writes that were followed by another one. */
  readonly #superseded = new Set<string>();
  /** The published leaf, if no connector has written it. */
  #foreign: Certificate | undefined;

  /** The serial number in lower-case hex of a published leaf that no connector has written. */
  get foreignSerial(): string | undefined {
    return this.#foreign?.serialNumber;
  }

  /** Records the currently published content. */
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

  /** Records that this process published `leaf`. */
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

  /** Each line begins with its time. Another replica's clock may be behind, but its record includes the last write seen here. */
  #isBefore(newest: string, writes: readonly string[]): boolean {
    const [seen] = this.#seen?.writes ?? [];
    return seen !== undefined && newest < seen && !writes.includes(seen);
  }
}

function isOfNoWrite({ serialNumber }: Certificate, { writtenSerial }: Published): boolean {
  return writtenSerial !== undefined && writtenSerial !== serialNumber;
}
