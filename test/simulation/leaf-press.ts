import { type KeyObject, sign, X509Certificate } from 'node:crypto';
import { certificatePem } from '../fixtures/certificates/certificate.ts';
import type { Authority, KeyPair } from '../fixtures/certificates/factory.ts';

const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const TEMPLATE = { notBefore: new Date('2020-01-02T03:04:05Z'), notAfter: new Date('2021-02-03T04:05:06Z') };

/**
 * Renews one leaf of the factory thousands of times: the same names and key, another serial number and validity, and a
 * signature over that by the authority's key. The factory makes each leaf from scratch, for which a simulated year has no time.
 */
export class LeafPress {
  readonly keyPem: string;
  readonly #tbs: Buffer;
  readonly #serialAt: number;
  readonly #signingKey: KeyObject;
  #pressed = 0;

  private constructor(certPem: string, keyPem: string, signingKey: KeyObject) {
    const { raw, serialNumber } = new X509Certificate(certPem);
    const tbsStart = headerLength(raw, 0);
    this.#tbs = Buffer.from(raw.subarray(tbsStart, tbsStart + totalLength(raw, tbsStart)));
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
    // The last bytes: the first says that the number is positive.
    tbs.writeUInt32BE(this.#pressed, this.#serialAt + 12);
    replaceTime(tbs, TEMPLATE.notBefore.getTime(), notBefore);
    replaceTime(tbs, TEMPLATE.notAfter.getTime(), notAfter);
    const signature = sign('sha256', tbs, this.#signingKey);
    const bits = der(0x03, Buffer.concat([Buffer.from([0]), signature]));
    return certificatePem(der(0x30, Buffer.concat([tbs, ECDSA_WITH_SHA256, bits])));
  }
}

/** Every UTCTime has 13 characters, so one replaces another (RFC 5280 section 4.1.2.5.1; until 2049). */
function replaceTime(tbs: Buffer, from: number, to: number): void {
  tbs.write(utcTime(to), tbs.indexOf(utcTime(from)), 'latin1');
}

function utcTime(at: number): string {
  return `${new Date(at)
    .toISOString()
    .replaceAll(/[-:T]|\..*/g, '')
    .slice(2)}Z`;
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

function headerLength(raw: Buffer, at: number): number {
  const first = raw.readUInt8(at + 1);
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function totalLength(raw: Buffer, at: number): number {
  const header = headerLength(raw, at);
  return header + (header === 2 ? raw.readUInt8(at + 1) : raw.readUIntBE(at + 2, header - 2));
}
