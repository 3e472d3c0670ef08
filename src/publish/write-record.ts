import { FIELD_MANAGER } from './annotations.ts';
import type { Annotations, SecretManifest } from './manifests.ts';

/** The last write of an object, in annotations, because `kubectl describe` shows those of a Secret, but not its Events. */
export interface WriteRecord {
  readonly at: string;
  readonly reason: string;
  /** The `X-Consul-Index` of the roots in it: another replica compares it with that of its own roots. */
  readonly rootsIndex?: bigint | undefined;
}

const WRITTEN_AT = `${FIELD_MANAGER}/written-at`;
const WRITE_REASON = `${FIELD_MANAGER}/write-reason`;
/** The previous writes, one per line, newest first. */
const WRITE_HISTORY = `${FIELD_MANAGER}/write-history`;
const ROOTS_INDEX = `${FIELD_MANAGER}/roots-index`;
/** The names in versions before 1.0.0. */
const FORMER_WRITE_REASON = `${FIELD_MANAGER}/written-because`;
const FORMER_WRITE_HISTORY = `${FIELD_MANAGER}/written-before`;

export const WRITE_RECORD_ANNOTATIONS = [
  WRITTEN_AT,
  WRITE_REASON,
  WRITE_HISTORY,
  ROOTS_INDEX,
  FORMER_WRITE_REASON,
  FORMER_WRITE_HISTORY,
] as const;

/** A rotation is two or three writes. */
const MAX_WRITES = 5;
/** A longer line was edited by hand, and all annotations together are limited to 256 KiB. */
const MAX_LINE = 200;

/**
 * The annotations of the write record. While the data is unchanged, the record stays as any version of the connector wrote it, so
 * that it triggers no write by itself. Otherwise `write` is prepended.
 *
 * @param existing the annotations of the object, undefined if it does not exist
 */
export function preserveWriteRecord(
  existing: Readonly<Record<string, unknown>> | undefined,
  isDataUnchanged: boolean,
  write: WriteRecord,
): Annotations {
  const previous = recordIn(existing ?? {});
  const { at, reason, history } = lastWrite(previous);
  const current = { [WRITTEN_AT]: write.at, [WRITE_REASON]: write.reason };
  const index = write.rootsIndex === undefined ? {} : { [ROOTS_INDEX]: write.rootsIndex.toString() };
  if (at === undefined || reason === undefined) return { ...current, ...index };
  if (isDataUnchanged) return previous;
  return { ...current, [WRITE_HISTORY]: appendHistory(`${at} ${reason}`, history), ...index };
}

/** The index of the roots in an object with these annotations; undefined without a readable one. */
export function rootsIndexIn(annotations: Readonly<Record<string, unknown>>): bigint | undefined {
  const index = annotations[ROOTS_INDEX];
  return typeof index === 'string' && /^\d{1,20}$/.test(index) ? BigInt(index) : undefined;
}

/** The writes recorded in these annotations, one per line, newest first; undefined if there are none. */
export function writesIn(annotations: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const { at, reason = '', history } = lastWrite(recordIn(annotations));
  if (at === undefined) return undefined;
  return [`${at} ${reason}`.slice(0, MAX_LINE), ...(history?.split('\n') ?? [])];
}

/** The manifest with `annotations` added to its own. */
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

/** The last write of a record and the previous ones, from the annotations of any version. */
function lastWrite(record: Annotations): Readonly<Record<'at' | 'reason' | 'history', string | undefined>> {
  return {
    at: record[WRITTEN_AT],
    reason: record[WRITE_REASON] ?? record[FORMER_WRITE_REASON],
    history: record[WRITE_HISTORY] ?? record[FORMER_WRITE_HISTORY],
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
