import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { PublishError, systemCode } from '../../errors.ts';
import { describeCause } from '../../identity/policy/decision.ts';
import type { Published } from '../../identity/published.ts';
import type { Clock } from '../../lib/clock.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { readBytes, withFileDeadline } from '../../lib/read-text.ts';
import { inThreadPool } from '../../lib/thread-pool.ts';
import {
  type Manifests,
  type ObjectNames,
  SERIAL_NUMBER,
  secretManifests,
  serviceManifest,
} from '../manifests.ts';
import type { Preview, Publication, WriteOutcome } from '../publisher.ts';
import type { DirectoryTarget } from '../target.ts';
import {
  preserveWriteRecord,
  rootsIndexIn,
  WRITE_RECORD_ANNOTATIONS,
  withAnnotations,
  writesIn,
} from '../write-record.ts';
import { CURRENT, markReloaded, replaceSet, type SetFile, setToReload } from './atomic-set.ts';
import { type FileModes, hasWantedModes, readModes } from './file-modes.ts';
import type { OutputFiles, Reload } from './output.ts';
import { reloadGateway } from './reload.ts';
import { filesOf, identityFiles } from './set-files.ts';
import { watchUntilBroken } from './watch.ts';

export interface DirectoryPublisherOptions {
  readonly directory: string;
  readonly names: ObjectNames;
  readonly serviceEnabled: boolean;
  /** Of the TLSContext. */
  readonly apiVersion: string;
  readonly clock: Clock;
  readonly files: OutputFiles;
  /** Undefined: the gateway watches the files, or is reloaded by other means. */
  readonly reload: Reload | undefined;
}

/** The content of a file in the folder, undefined if it does not exist. @throws PublishError */
type ReadFile = (name: string) => Promise<Buffer | undefined>;

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'let the user of the connector write there',
  EPERM: 'let the user of the connector write there',
  EROFS: 'mount a writable volume there',
  ENOSPC: 'free space on that file system',
  EDQUOT: 'raise the quota of that file system, or free space',
  EFBIG: 'raise the limit on the size of files (ulimit -f)',
  EIO: 'check that disk',
  ENOTDIR: 'set _OUTPUT_DIR to a folder',
  ETIMEDOUT: 'check that file system: it did not answer in time',
  ERR_ACCESS_DENIED:
    'the permission model of Node.js denies it: remove --permission from NODE_OPTIONS, which also forbids setting file modes',
};
const WATCH_RETRY_MS = 1_000;
/** Enough for several syncs of a slow disk. */
const WRITE_DEADLINE_MS = 15_000;

/**
 * Publishes to files: `tls.crt`, `tls.key` (0600), `ca.crt` and the manifests, for gateways outside a cluster and for trying it
 * without one. Readers never see a partial set.
 */
export class DirectoryPublisher implements Preview {
  readonly target: DirectoryTarget;
  readonly #options: DirectoryPublisherOptions;
  /** The modes after our last write, on file systems that do not store them as requested. */
  #settled: string | undefined;
  /** The annotations of the last `secret.yaml`: parsing it takes longer than reading it. */
  #parsed: { readonly text: string; readonly annotations: Readonly<Record<string, unknown>> } | undefined;

  constructor(options: DirectoryPublisherOptions) {
    this.#options = options;
    this.target = { kind: 'directory', directory: options.directory };
  }

  /**
   * Watches for deleted and edited files; the folder itself may be removed and created again. Editing a file through its link
   * changes only the folder of the set, so that is watched too.
   */
  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    const { directory } = this.#options;
    await Promise.all(
      [directory, join(directory, CURRENT)].map((path) => this.#watch(path, onChange, signal)),
    );
  }

  async #watch(path: string, onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      onChange();
      await watchUntilBroken(path, onChange, signal);
      await this.#options.clock.sleep(WATCH_RETRY_MS, signal);
    }
  }

  read(signal: AbortSignal): Promise<Published | undefined> {
    return orAborted(this.#read(), signal);
  }

  async #read(): Promise<Published | undefined> {
    const { names } = this.#options;
    const read = this.#snapshot();
    const [certificatePem, privateKeyPem, caPem] = await Promise.all(
      ['tls.crt', 'tls.key', 'ca.crt'].map(async (name) => (await read(name))?.toString('utf8')),
    );
    if (certificatePem === undefined && privateKeyPem === undefined) return undefined;
    const annotations = await this.#writtenAnnotations(read);
    const serial = annotations[SERIAL_NUMBER];
    const rootsIndex = rootsIndexIn(annotations);
    const verifiesUpstream = names.upstreamCaSecret !== undefined;
    return {
      certificatePem: certificatePem ?? '',
      privateKeyPem: privateKeyPem ?? '',
      caPem,
      // The gateway reads both bundles from the same file.
      upstreamCaPem: verifiesUpstream ? caPem : undefined,
      rootsIndex,
      upstreamRootsIndex: verifiesUpstream ? rootsIndex : undefined,
      writtenSerial: typeof serial === 'string' ? serial : undefined,
      writes: writesIn(annotations),
    };
  }

  async write(publication: Publication): Promise<WriteOutcome> {
    const { clock, directory } = this.#options;
    const read = this.#snapshot();
    const manifests = await this.#manifests(publication, new Date(clock.now()).toISOString(), read);
    const files = filesOf(directory, publication.content, manifests, this.#options.files);
    if ((await holdsContents(files, read)) && (await this.#holdsModes(files))) return 'unchanged';
    try {
      await withFileDeadline(
        directory,
        clock,
        () => inThreadPool(() => replaceSet(directory, files)),
        WRITE_DEADLINE_MS,
      );
    } catch (error) {
      throw unusable(directory, error);
    }
    this.#settled = JSON.stringify(await this.#modes(files));
    return 'written';
  }

  manifests(publication: Publication, at: string): Promise<Manifests> {
    return this.#manifests(publication, at, this.#snapshot());
  }

  async #manifests(
    { content, cause, rootsIndex }: Publication,
    at: string,
    read: ReadFile,
  ): Promise<Manifests> {
    const { apiVersion, names, serviceEnabled } = this.#options;
    const { upstreamCa, secret } = secretManifests(names, content);
    const [written, isHeld] = await Promise.all([
      this.#writtenAnnotations(read),
      holdsContents(identityFiles(content, this.#options.files), read),
    ]);
    const annotations = preserveWriteRecord(written, isHeld, {
      at,
      reason: describeCause(cause),
      rootsIndex,
    });
    return {
      upstreamCa: upstreamCa && withAnnotations(upstreamCa, annotations),
      secret: withAnnotations(secret, annotations),
      service: serviceEnabled ? serviceManifest(names, apiVersion) : undefined,
    };
  }

  /** The Service's manifest is part of the set of files. Reloads the gateway once for each set. */
  async publishService(signal: AbortSignal): Promise<WriteOutcome> {
    const { clock, directory, reload } = this.#options;
    if (reload === undefined) return 'unchanged';
    const set = await this.#inFolder(() => setToReload(directory));
    if (set === undefined) return 'unchanged';
    if (!(await reloadGateway(reload, directory, clock, signal))) return 'unchanged';
    await this.#inFolder(() => markReloaded(directory, set));
    return 'written';
  }

  async #inFolder<T>(work: () => Promise<T>): Promise<T> {
    const { clock, directory } = this.#options;
    try {
      return await withFileDeadline(directory, clock, () => inThreadPool(work));
    } catch (error) {
      throw unusable(directory, error);
    }
  }

  /** A folder has no events. */
  record(): void {}

  async close(): Promise<void> {}

  /** Whether each file has the wanted mode and owner, or those that this file system gave it. */
  async #holdsModes(files: Readonly<Record<string, SetFile>>): Promise<boolean> {
    const modes = await this.#modes(files);
    return hasWantedModes(files, modes) || JSON.stringify(modes) === this.#settled;
  }

  async #modes(files: Readonly<Record<string, SetFile>>): Promise<FileModes> {
    const { clock, directory } = this.#options;
    try {
      return await readModes(directory, Object.keys(files), clock);
    } catch (error) {
      throw unusable(directory, error);
    }
  }

  /** The write record in the Secret's manifest, and the serial number. */
  async #writtenAnnotations(read: ReadFile): Promise<Readonly<Record<string, unknown>>> {
    const text = (await read('secret.yaml'))?.toString('utf8') ?? '';
    if (this.#parsed?.text !== text) this.#parsed = { text, annotations: annotationsIn(text) };
    return this.#parsed.annotations;
  }

  /** A reader that reads each file only once. */
  #snapshot(): ReadFile {
    const files = new Map<string, Promise<Buffer | undefined>>();
    return (name) => {
      const file = files.get(name) ?? this.#readFile(name);
      files.set(name, file);
      return file;
    };
  }

  async #readFile(name: string): Promise<Buffer | undefined> {
    const { clock, directory } = this.#options;
    try {
      return await readBytes(join(directory, name), clock);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw unusable(directory, error);
    }
  }
}

/** Whether every file has its content: a deleted or edited file triggers a write, as a new leaf does. */
async function holdsContents(files: Readonly<Record<string, SetFile>>, read: ReadFile): Promise<boolean> {
  const names = Object.keys(files);
  const found = await Promise.all(names.map(read));
  return names.every((name, index) => found[index]?.equals(Buffer.from(files[name]?.content ?? '')));
}

function annotationsIn(secretYaml: string): Record<string, unknown> {
  const manifest = parseDocument(secretYaml);
  return Object.fromEntries(
    [...WRITE_RECORD_ANNOTATIONS, SERIAL_NUMBER].map((name) => [
      name,
      manifest.getIn(['metadata', 'annotations', name]),
    ]),
  );
}

/** The error for a folder that cannot be read or written. */
export function unusable(directory: string, cause: unknown): PublishError {
  const code = systemCode(cause) ?? 'unknown';
  return new PublishError('DIRECTORY_UNWRITABLE', `the folder ${directory} cannot be used (${code})`, {
    remedy: REMEDIES[code] ?? 'check that _OUTPUT_DIR is a folder that this process may write',
    cause,
  });
}
