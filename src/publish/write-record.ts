import { type Annotations, FIELD_MANAGER, type SecretManifest } from './manifests.ts';

/** When and why an object was written, in annotations: `kubectl describe` shows those of a Secret, and no Events. */
export interface WriteRecord {
  readonly at: string;
  readonly reason: string;
}

const WRITTEN_AT = `${FIELD_MANAGER}/written-at`;
const WRITE_REASON = `${FIELD_MANAGER}/write-reason`;
/** The writes before it, one a line, the newest first. */
const WRITE_HISTORY = `${FIELD_MANAGER}/write-history`;
/** What versions before 1.0.0 wrote instead. */
const FORMER_WRITE_REASON = `${FIELD_MANAGER}/written-because`;
const FORMER_WRITE_HISTORY = `${FIELD_MANAGER}/written-before`;

export const WRITE_RECORD_ANNOTATIONS = [
  WRITTEN_AT,
  WRITE_REASON,
  WRITE_HISTORY,
  FORMER_WRITE_REASON,
  FORMER_WRITE_HISTORY,
] as const;

/** A rotation is two or three writes. */
const MAX_WRITES = 5;
/** A longer line was edited by hand, and annotations have 256 KiB between them. */
const MAX_LINE = 200;

/**
 * The one rule for the write record: it stays as it is while the data do, whatever version of the connector wrote it, so that
 * it triggers no write by itself; otherwise `write` is put before it.
 *
 * @param existing the annotations of the object, undefined where it does not exist
 */
export function preserveWriteRecord(
  existing: Readonly<Record<string, unknown>> | undefined,
  isDataUnchanged: boolean,
  write: WriteRecord,
): Annotations {
  const previous = recordIn(existing ?? {});
  const at = previous[WRITTEN_AT];
  const reason = previous[WRITE_REASON] ?? previous[FORMER_WRITE_REASON];
  const current = { [WRITTEN_AT]: write.at, [WRITE_REASON]: write.reason };
  if (at === undefined || reason === undefined) return current;
  if (isDataUnchanged) return previous;
  const history = previous[WRITE_HISTORY] ?? previous[FORMER_WRITE_HISTORY];
  return { ...current, [WRITE_HISTORY]: appendHistory(`${at} ${reason}`, history) };
}

/** The manifest with `annotations` beside its own. */
export function withAnnotations<Manifest extends SecretManifest>(
  manifest: Manifest,
  annotations: Annotations,
): Manifest {
  const { metadata } = manifest;
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
  };
}

function appendHistory(last: string, history: string | undefined): string {
  const lines = [last, ...(history?.split('\n') ?? [])];
  return lines
    .slice(0, MAX_WRITES - 1)
    .map((line) => line.slice(0, MAX_LINE))
    .join('\n');
}

function recordIn(annotations: Readonly<Record<string, unknown>>): Annotations {
  return Object.fromEntries(
    WRITE_RECORD_ANNOTATIONS.flatMap((name) => {
      const value = annotations[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}
