import type { KeyObject } from 'node:crypto';

/** The public key of a certificate. */
export class PublicKey {
  readonly object: KeyObject;

  constructor(object: KeyObject) {
    this.object = object;
  }

  /**
   * Whether both are the same key. Keys of different types are not compared by OpenSSL: Node would leave the error in OpenSSL's
   * queue, where the next parsing of a private key finds it and fails (seen with Node 20).
   */
  equals({ object }: PublicKey): boolean {
    return this.object.asymmetricKeyType === object.asymmetricKeyType && this.object.equals(object);
  }
}
