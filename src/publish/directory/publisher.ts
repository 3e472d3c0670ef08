import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { PublishError, systemCode } from '../../errors.ts';
import { describeCause } from '../../identity/policy/decide.ts';
import type { Content, Published } from '../../identity/published.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Manifests, type ObjectNames, secretManifests, serviceManifest } from '../manifests.ts';
import type { Preview, Publication, WriteOutcome } from '../publisher.ts';
import type { DirectoryTarget } from '../target.ts';
import { preserveWriteRecord, WRITE_RECORD_ANNOTATIONS, withAnnotations } from '../write-record.ts';
import { CURRENT, replaceSet, type SetFile } from './atomic-set.ts';

export interface DirectoryPublisherOptions {
  readonly directory: string;
  readonly names: ObjectNames;
  readonly serviceEnabled: boolean;
  /** Of the TLSContext. */
  readonly apiVersion: string;
  readonly clock: Clock;
}

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'let the user this runs as write there',
  EPERM: 'let the user this runs as write there',
  EROFS: 'mount a writable volume there',
  ENOSPC: 'make room on that file system',
  EDQUOT: 'raise the quota of that file system, or make room',
  EFBIG: 'raise the limit on the size of files (ulimit -f)',
  EIO: 'see what is wrong with that disk',
  ENOTDIR: 'set _OUTPUT_DIR to a folder',
  EEXIST: 'set _OUTPUT_DIR to a folder',
};
const WATCH_RETRY_MS = 1_000;

/**
 * Publishes to files: `tls.crt`, `tls.key` (0600), `ca.crt` and the manifests, for gateways outside a cluster and for a
 * first try without one. A set appears whole or not at all.
 */
export class DirectoryPublisher implements Preview {
  readonly target: DirectoryTarget;
  readonly #options: DirectoryPublisherOptions;

  constructor(options: DirectoryPublisherOptions) {
    this.#options = options;
    this.target = { kind: 'directory', directory: options.directory };
  }

  /**
   * Notices that a file was deleted or edited; the folder itself may come and go. Who edits a file through its link
   * changes the folder of the set alone, so that is watched too.
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

  async read(): Promise<Published | undefined> {
    const { names } = this.#options;
    const [certificatePem, privateKeyPem, caPem] = await Promise.all(
      ['tls.crt', 'tls.key', 'ca.crt'].map((name) => this.#readFile(name)),
    );
    if (certificatePem === undefined && privateKeyPem === undefined) return undefined;
    return {
      certificatePem: certificatePem ?? '',
      privateKeyPem: privateKeyPem ?? '',
      caPem,
      // The gateway reads both bundles from the one file.
      upstreamCaPem: names.upstreamCaSecret === undefined ? undefined : caPem,
    };
  }

  async write(publication: Publication): Promise<WriteOutcome> {
    const { clock, directory } = this.#options;
    const manifests = await this.manifests(publication, new Date(clock.now()).toISOString());
    const files = filesOf(publication.content, manifests);
    if (await this.#holds(files)) return 'unchanged';
    try {
      await replaceSet(directory, files);
    } catch (error) {
      throw unusable(directory, error);
    }
    return 'written';
  }

  async manifests({ content, cause }: Publication, at: string): Promise<Manifests> {
    const { apiVersion, names, serviceEnabled } = this.#options;
    const { upstreamCa, secret } = secretManifests(names, content);
    const annotations = preserveWriteRecord(
      await this.#writtenAnnotations(),
      await this.#holds(identityFiles(content)),
      { at, reason: describeCause(cause) },
    );
    return {
      upstreamCa: upstreamCa && withAnnotations(upstreamCa, annotations),
      secret: withAnnotations(secret, annotations),
      service: serviceEnabled ? serviceManifest(names, apiVersion) : undefined,
    };
  }

  /** The Service's manifest is part of the set of files. */
  async publishService(): Promise<WriteOutcome> {
    return 'unchanged';
  }

  /** A folder has no place for events. */
  record(): void {}

  async close(): Promise<void> {}

  /** Whether every file is there as it should be: one that was deleted or edited is as good a reason as a new leaf. */
  async #holds(files: Readonly<Record<string, SetFile>>): Promise<boolean> {
    const names = Object.keys(files);
    const texts = await Promise.all(names.map((name) => this.#readFile(name)));
    return names.every((name, index) => texts[index] === files[name]?.text);
  }

  /** The write record in the Secret's manifest. */
  async #writtenAnnotations(): Promise<Record<string, unknown>> {
    const manifest = parseDocument((await this.#readFile('secret.yaml')) ?? '');
    return Object.fromEntries(
      WRITE_RECORD_ANNOTATIONS.map((name) => [name, manifest.getIn(['metadata', 'annotations', name])]),
    );
  }

  async #readFile(name: string): Promise<string | undefined> {
    const { directory } = this.#options;
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw unusable(directory, error);
    }
  }
}

function identityFiles({ tlsCrt, tlsKey, caCrt }: Content): Record<string, SetFile> {
  return {
    'tls.crt': { text: tlsCrt, mode: 0o644 },
    'tls.key': { text: tlsKey, mode: 0o600 },
    'ca.crt': { text: caCrt, mode: 0o644 },
  };
}

function filesOf(content: Content, { upstreamCa, secret, service }: Manifests): Record<string, SetFile> {
  const text = (manifest: object): string => stringify(manifest, { lineWidth: 0 });
  return {
    ...identityFiles(content),
    'secret.yaml': { text: text(secret), mode: 0o600 },
    ...(upstreamCa === undefined ? {} : { 'ca-secret.yaml': { text: text(upstreamCa), mode: 0o644 } }),
    ...(service === undefined ? {} : { 'service.yaml': { text: text(service), mode: 0o644 } }),
  };
}

/** The error for a folder that cannot be read or written. */
export function unusable(directory: string, cause: unknown): PublishError {
  const code = systemCode(cause) ?? 'unknown';
  return new PublishError('DIRECTORY_UNWRITABLE', `the folder ${directory} cannot be used (${code})`, {
    remedy: REMEDIES[code] ?? 'see that _OUTPUT_DIR is a folder this process may write',
    cause,
  });
}

/** Resolves when the folder can no longer be watched, does not exist, or `signal` aborts. */
function watchUntilBroken(directory: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    try {
      const watcher = watch(directory, { signal });
      watcher.on('change', (_event, changed) => {
        const name = String(changed ?? '');
        // The folder itself went. Other names with two dots are the links and folders of a set being replaced.
        if (name === basename(directory)) watcher.close();
        else if (!name.startsWith('..')) onChange();
      });
      watcher.on('error', () => watcher.close());
      watcher.on('close', resolve);
    } catch {
      resolve();
    }
  });
}
