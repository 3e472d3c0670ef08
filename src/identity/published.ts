import type { CertificateAndKey, Identity } from './identity.ts';

/** The current content of the target. */
export interface Published extends CertificateAndKey {
  readonly caPem: string | undefined;
  /** The bundle in a separate object with which a gateway verifies its peers; only if configured. */
  readonly upstreamCaPem?: string | undefined;
  /** The `X-Consul-Index` of the roots in `caPem`, if the target stores it. */
  readonly rootsIndex?: bigint | undefined;
  /** The same for `upstreamCaPem`. */
  readonly upstreamRootsIndex?: bigint | undefined;
  /** The serial number of the leaf that was written, in lower-case hex, if the target stores it. */
  readonly writtenSerial?: string | undefined;
  /** The time and reason of each write, one per line, newest first, if the target stores them. */
  readonly writes?: readonly string[] | undefined;
}

/** The wanted content of the target, each part as text. */
export interface Content {
  readonly identity: Identity;
  readonly tlsCrt: string;
  readonly tlsKey: string;
  readonly caCrt: string;
  /** The bundle with which a gateway verifies its peers, if it differs from `caCrt`. */
  readonly upstreamCaCrt?: string | undefined;
}
