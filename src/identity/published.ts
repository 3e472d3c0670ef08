import type { CertificateAndKey, Identity } from './identity.ts';

/** What the target holds now. */
export interface Published extends CertificateAndKey {
  readonly caPem: string | undefined;
  /** The bundle a gateway verifies its peers with, in an object of its own; only where that is configured. */
  readonly upstreamCaPem?: string | undefined;
  /** The `X-Consul-Index` of the roots that `caPem` was made of, where the target keeps it. */
  readonly rootsIndex?: bigint | undefined;
  /** The same of `upstreamCaPem`. */
  readonly upstreamRootsIndex?: bigint | undefined;
  /** The serial number of the leaf that was written, in lower-case hex, where the target keeps it. */
  readonly writtenSerial?: string | undefined;
  /** When and why it was written, a line for each time, the newest first, where the target keeps that. */
  readonly writes?: readonly string[] | undefined;
}

/** What the target is to hold, each part as text. */
export interface Content {
  readonly identity: Identity;
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
  /** The bundle a gateway verifies its peers with, where it is not the same text. */
  readonly upstreamCaCrt?: string | undefined;
}
