import type { Extension } from '@peculiar/x509';
import { type CertificateContent, type SignedCertificate, signCertificate } from './certificate.ts';
import {
  generateKeyPair,
  type KeyFormat,
  type KeyPair,
  type KeyType,
  keyIdentifier,
  privateKeyPem,
} from './keys.ts';
import { spiffeUri } from './spiffe.ts';

export const HOUR_MS = 3_600_000;
const DEFAULT_LEAF_LIFETIME_MS = 72 * HOUR_MS;

export interface Validity {
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
}

export interface CertificateOptions extends Validity {
  readonly keyType?: KeyType | undefined;
  /** No subject at all, as Consul's own leaves and some of its intermediates (consul #16202). */
  readonly emptyDn?: boolean | undefined;
  /** False leaves out the subject and the authority key identifier. */
  readonly keyIdentifiers?: boolean | undefined;
  /** What no honest CA puts in: beside the usual extensions, or in place of those of the same kind. */
  readonly extensions?: readonly Extension[] | undefined;
}

export interface AuthorityOptions extends CertificateOptions {
  /** The common name. */
  readonly name?: string | undefined;
  readonly pathLength?: number | undefined;
}

export interface LeafOptions extends CertificateOptions {
  readonly service: string;
  readonly namespace?: string | undefined;
  readonly datacenter?: string | undefined;
  /** Default: the authority's own. */
  readonly trustDomain?: string | undefined;
  readonly keyFormat?: KeyFormat | undefined;
  /** An existing key, for a leaf renewed without a new one. */
  readonly keys?: KeyPair | undefined;
  /** In place of the one SPIFFE ID. */
  readonly uris?: readonly string[] | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
}

export interface IssuedLeaf extends SignedCertificate {
  readonly keyPem: string;
  readonly keys: KeyPair;
  /** The leaf, then the intermediates up to the root, without the root. */
  readonly chainPem: string;
  /** The first URI of the subject alternative name. */
  readonly uri: string;
}

interface AuthorityFacts {
  readonly name: string;
  readonly trustDomain: string;
  readonly keys: KeyPair;
  readonly keyId: string | undefined;
  readonly certificate: SignedCertificate;
  readonly chainPem: string;
}

/** A certificate authority of a mesh: a root or an intermediate, with its key. */
export class Authority implements SignedCertificate {
  /** The common name; empty for an empty DN. */
  readonly name: string;
  readonly trustDomain: string;
  readonly keys: KeyPair;
  /** The subject key identifier in hex; undefined when left out. */
  readonly keyId: string | undefined;
  readonly certPem: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** What a leaf of this authority carries behind it: nothing for a root. */
  readonly chainPem: string;

  constructor(facts: AuthorityFacts) {
    this.name = facts.name;
    this.trustDomain = facts.trustDomain;
    this.keys = facts.keys;
    this.keyId = facts.keyId;
    this.certPem = facts.certificate.certPem;
    this.serial = facts.certificate.serial;
    this.notBefore = facts.certificate.notBefore;
    this.notAfter = facts.certificate.notAfter;
    this.chainPem = facts.chainPem;
  }

  get keyPem(): string {
    return privateKeyPem(this.keys);
  }

  async issueIntermediate(options: AuthorityOptions = {}): Promise<Authority> {
    const keys = await generateKeyPair(options.keyType ?? 'ec-p256');
    const name = options.emptyDn === true ? '' : (options.name ?? `Intermediate of ${this.name}`);
    const keyId = options.keyIdentifiers === false ? undefined : keyIdentifier(keys);
    const certificate = await this.#sign({
      ...this.#validity(options),
      subject: name,
      ca: true,
      pathLength: options.pathLength,
      names: { uris: [`spiffe://${this.trustDomain}`] },
      subjectKeyId: keyId,
      authorityKeyId: options.keyIdentifiers === false ? undefined : this.keyId,
      publicKey: keys.publicKey,
      extensions: options.extensions,
    });
    const chainPem = certificate.certPem + this.chainPem;
    return new Authority({ name, trustDomain: this.trustDomain, keys, keyId, certificate, chainPem });
  }

  /** The other authority's subject and key under this one's signature: it leads the other's leaves to this root. */
  async crossSign(other: Authority, options: Validity = {}): Promise<SignedCertificate> {
    return this.#sign({
      ...this.#validity(options),
      subject: other.name,
      ca: true,
      names: { uris: [`spiffe://${other.trustDomain}`] },
      subjectKeyId: other.keyId,
      authorityKeyId: this.keyId,
      publicKey: other.keys.publicKey,
    });
  }

  /** @throws TypeError when `keyFormat` does not fit the key's type */
  async issueLeaf(options: LeafOptions): Promise<IssuedLeaf> {
    const keys = options.keys ?? (await generateKeyPair(options.keyType ?? 'ec-p256'));
    const keyPem = privateKeyPem(keys, options.keyFormat);
    const uris = options.uris ?? [
      spiffeUri({
        service: options.service,
        trustDomain: options.trustDomain ?? this.trustDomain,
        namespace: options.namespace ?? 'default',
        datacenter: options.datacenter ?? 'dc1',
      }),
    ];
    const notBefore = options.notBefore ?? new Date();
    const identified = options.keyIdentifiers !== false;
    const certificate = await this.#sign({
      notBefore,
      notAfter: options.notAfter ?? new Date(notBefore.getTime() + DEFAULT_LEAF_LIFETIME_MS),
      subject: options.emptyDn === true ? '' : options.service,
      ca: false,
      names: { uris, dnsNames: options.dnsNames, ipAddresses: options.ipAddresses },
      subjectKeyId: identified ? keyIdentifier(keys) : undefined,
      authorityKeyId: identified ? this.keyId : undefined,
      publicKey: keys.publicKey,
      extensions: options.extensions,
    });
    return {
      ...certificate,
      keyPem,
      keys,
      chainPem: certificate.certPem + this.chainPem,
      uri: uris[0] ?? '',
    };
  }

  #sign(content: Omit<CertificateContent, 'issuer' | 'issuerKeys'>): Promise<SignedCertificate> {
    return signCertificate({ ...content, issuer: this.name, issuerKeys: this.keys });
  }

  #validity(options: Validity): { notBefore: Date; notAfter: Date } {
    return {
      notBefore: options.notBefore ?? this.notBefore,
      notAfter: options.notAfter ?? this.notAfter,
    };
  }
}
