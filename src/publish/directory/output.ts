/** How the files of the folder are to be; undefined: as this process makes them. */
export interface OutputFiles {
  /** Of those that hold the key. */
  readonly keyMode: number;
  readonly owner: number | undefined;
  readonly group: number | undefined;
  /** Beside those that every gateway reads. */
  readonly extra: readonly ExtraFiles[];
  /** Of the files in PKCS#12. */
  readonly keystorePassword: string;
}

/**
 * - `pem`: `tls.pem`, the certificate and its key in one file, as HAProxy reads them.
 * - `envoy`: by which an Envoy reads the folder by SDS.
 * - `pkcs12`: `keystore.p12` with certificate and key, `truststore.p12` with the roots, as Java reads them.
 */
export const EXTRA_FILES = ['pem', 'envoy', 'pkcs12'] as const;
export type ExtraFiles = (typeof EXTRA_FILES)[number];

/** How the reader of the files is told to read them again. */
export type Reload =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly pidFile: string };
