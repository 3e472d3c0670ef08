import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** What a TLS server needs, and what its clients must trust. */
export interface ServerIdentity {
  caPem: string;
  certPem: string;
  keyPem: string;
}

// The few DER forms an X.509 certificate is made of (RFC 5280, X.690). By hand, because the certificate library among
// the dev dependencies cannot be loaded without a Reflect polyfill, and this is all that is needed of one.
function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) {
    return Buffer.concat([Buffer.from([tag, body.length]), body]);
  }
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}
const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const octets = (...parts: Uint8Array[]) => tlv(0x04, ...parts);
const bits = (unused: number, body: Uint8Array) => tlv(0x03, Buffer.from([unused]), body);
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'));
const generalizedTime = (date: Date) =>
  tlv(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`));
const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), octets(value));
const name = (commonName: string) =>
  sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))));

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const HOUR = 3_600_000;

interface Subject {
  commonName: string;
  key: KeyObject;
  extensions: Uint8Array[];
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function certificate(subject: Subject, issuer: { commonName: string; key: KeyObject; publicKey: KeyObject }) {
  const now = Date.now();
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)]);
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ECDSA_SHA256,
    name(issuer.commonName),
    sequence(generalizedTime(new Date(now - HOUR)), generalizedTime(new Date(now + 48 * HOUR))),
    name(subject.commonName),
    subject.key.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      sequence(
        extension('551d0e', false, octets(keyId(subject.key))),
        extension('551d23', false, sequence(tlv(0x80, keyId(issuer.publicKey)))),
        ...subject.extensions,
      ),
    ),
  );
  const der = sequence(body, ECDSA_SHA256, bits(0, sign('sha256', body, issuer.key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** A CA and a server certificate for 127.0.0.1 and the names a cluster gives its API; new ones at each call, in about 2 ms. */
export function createServerIdentity(): ServerIdentity {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { commonName: 'kubernetes-double-ca', key: ca.privateKey, publicKey: ca.publicKey };
  const dnsName = (text: string) => tlv(0x82, Buffer.from(text));
  return {
    caPem: certificate(
      {
        commonName: issuer.commonName,
        key: ca.publicKey,
        extensions: [
          extension('551d13', true, sequence(tlv(0x01, Buffer.from([0xff])))),
          extension('551d0f', true, bits(1, Buffer.from([0x06]))),
        ],
      },
      issuer,
    ),
    certPem: certificate(
      {
        commonName: 'kube-apiserver',
        key: server.publicKey,
        extensions: [
          extension('551d0f', true, bits(7, Buffer.from([0x80]))),
          extension('551d25', false, sequence(oid('2b06010505070301'))),
          extension(
            '551d11',
            false,
            sequence(
              tlv(0x87, Buffer.from([127, 0, 0, 1])),
              dnsName('localhost'),
              dnsName('kubernetes.default.svc'),
            ),
          ),
        ],
      },
      issuer,
    ),
    keyPem: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
