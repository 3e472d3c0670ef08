/** How the files of the folder are to be; undefined: as this process makes them. */
export interface OutputFiles {
  /** Of those that hold the key. */
  readonly keyMode: number;
  readonly owner: number | undefined;
  readonly group: number | undefined;
  /** Beside those that every gateway reads. */
  readonly extra: readonly ExtraFiles[];
}

/**
 * - `pem`: `tls.pem`, the certificate and its key in one file, as HAProxy reads them.
 * - `envoy`: by which an Envoy reads the folder by SDS.
 */
export const EXTRA_FILES = ['pem', 'envoy'] as const;
export type ExtraFiles = (typeof EXTRA_FILES)[number];

/** How the reader of the files is told to read them again. */
export type Reload =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly pidFile: string };
