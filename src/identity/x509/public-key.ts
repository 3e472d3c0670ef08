import type { KeyObject } from 'node:crypto';

/** The public key of a certificate. */
export class PublicKey {
  readonly object: KeyObject;

  constructor(object: KeyObject) {
    this.object = object;
  }

  /**
   * Whether both are the same key. OpenSSL is not asked about keys of two types: Node leaves its complaint in OpenSSL's queue
   * of errors, where the next reading of a private key finds it and fails (seen with Node 20).
   */
  equals({ object }: PublicKey): boolean {
    return this.object.asymmetricKeyType === object.asymmetricKeyType && this.object.equals(object);
  }
}
