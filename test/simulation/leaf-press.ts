import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import { bitString, time, toDer } from '../fixtures/certificates/asn1.ts';
import { certificatePem } from '../fixtures/certificates/certificate.ts';
import type { Authority, KeyPair } from '../fixtures/certificates/factory.ts';

const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const TEMPLATE = { notBefore: new Date('2020-01-02T03:04:05Z'), notAfter: new Date('2021-02-03T04:05:06Z') };
/** A tag and a length of two bytes, which certificates of 256 bytes or more have. */
const HEADER = 4;

/**
 * Renews one leaf of the factory thousands of times: the same names and key, another serial number and validity, and a new
 * signature by the authority's key. The factory, which makes each leaf from scratch, is too slow for a simulated year.
 */
export class LeafPress {
  readonly keyPem: string;
  readonly #tbs: Buffer;
  readonly #serialAt: number;
  readonly #signingKey: KeyObject;
  #pressed = 0;

  private constructor(certPem: string, keyPem: string, signingKey: KeyObject) {
    const { raw, serialNumber } = new X509Certificate(certPem);
    const length = raw.readUInt16BE(HEADER + 2);
    this.#tbs = Buffer.from(raw.subarray(HEADER, 2 * HEADER + length));
    this.#serialAt = this.#tbs.indexOf(Buffer.from(serialNumber, 'hex'));
    this.#signingKey = signingKey;
    this.keyPem = keyPem;
  }

  static async of(authority: Authority, service: string, keys: KeyPair): Promise<LeafPress> {
    const leaf = await authority.issueLeaf({ service, keys, ...TEMPLATE });
    return new LeafPress(leaf.certPem, leaf.keyPem, authority.keys.privateKey);
  }

  /** The PEM of a new leaf, valid between two times in whole seconds, in milliseconds since the epoch. */
  press(notBefore: number, notAfter: number): string {
    const tbs = Buffer.from(this.#tbs);
    this.#pressed += 1;
    // The last bytes: the first shows that the number is positive.
    tbs.writeUInt32BE(this.#pressed, this.#serialAt + 12);
    replaceTime(tbs, TEMPLATE.notBefore, notBefore);
    replaceTime(tbs, TEMPLATE.notAfter, notAfter);
    const signature = bitString(sign('sha256', tbs, this.#signingKey));
    const signed = Buffer.concat([tbs, ECDSA_WITH_SHA256, toDer(signature)]);
    const header = Buffer.from([0x30, 0x82, signed.length >> 8, signed.length & 0xff]);
    return certificatePem(Buffer.concat([header, signed]));
  }
}

/** Every UTCTime has the same length, so one replaces another (RFC 5280 section 4.1.2.5.1; until 2049). */
function replaceTime(tbs: Buffer, from: Date, to: number): void {
  toDer(time(new Date(to))).copy(tbs, tbs.indexOf(toDer(time(from))));
}
