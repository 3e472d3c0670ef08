/** The mode and ownership of the files; undefined: those of the process. */
export interface OutputFiles {
  /** For the files with the key. */
  readonly keyMode: number;
  readonly owner: number | undefined;
  readonly group: number | undefined;
  /** In addition to those that every gateway reads. */
  readonly extra: readonly ExtraFiles[];
  /** For the PKCS#12 files. */
  readonly keystorePassword: string;
}

/**
 * - `pem`: `tls.pem`, the certificate and its key in one file, as HAProxy reads them.
 * - `envoy`: two files with which Envoy reads the folder by SDS.
 * - `pkcs12`: `keystore.p12` with certificate and key, `truststore.p12` with the roots, as Java reads them.
 */
export const EXTRA_FILES = ['pem', 'envoy', 'pkcs12'] as const;
export type ExtraFiles = (typeof EXTRA_FILES)[number];

/** How the gateway is made to read the files again. */
export type Reload =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly pidFile: string };
