import type { CertificateAndKey, Identity } from './identity.ts';

/** What the target holds now. */
export interface Published extends CertificateAndKey {
  readonly caPem: string | undefined;
  /** The bundle a gateway verifies its peers with, in an object of its own; only where that is configured. */
  readonly upstreamCaPem?: string | undefined;
}

/** What the target is to hold, each part as text. */
export interface Content {
  readonly identity: Identity;
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
}
