import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { type Pems, Sightings } from './sightings.ts';

/** A folder, read whenever the kernel reports a rename or a write in it, as a server that uses the files would. */
export class FolderPlace implements Place {
  readonly secrets = new Sightings();
  readonly folder: string;
  readonly #watcher: FSWatcher;
  #last: Pems | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.#watcher = watch(folder, () => this.#look());
  }

  static async make(): Promise<FolderPlace> {
    return new FolderPlace(await mkdtemp(join(tmpdir(), 'bench-folder-')));
  }

  get env(): Readonly<Record<string, string>> {
    return { _OUTPUT_DIR: this.folder };
  }

  async clear(): Promise<void> {
    for (const name of await readdir(this.folder)) await rm(join(this.folder, name), { recursive: true });
    this.#last = undefined;
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await rm(this.folder, { recursive: true });
  }

  #look(): void {
    const pems = this.#read();
    if (pems === undefined) return;
    const isNew = pems.certificatePem !== this.#last?.certificatePem || pems.caPem !== this.#last.caPem;
    this.#last = pems;
    if (isNew) this.secrets.saw(pems);
  }

  /** Undefined while a file is missing. */
  #read(): Pems | undefined {
    const text = (name: string): string => readFileSync(join(this.folder, name), 'utf8');
    try {
      return { certificatePem: text('tls.crt'), caPem: text('ca.crt') };
    } catch {
      return undefined;
    }
  }
}
