/** The baseline of a folder: it writes the three files, each under another name and then renamed, without syncing the disk. */
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { followConsul, pems } from './baseline-consul.ts';

const { _OUTPUT_DIR = '' } = process.env;

async function write(name: string, text: string): Promise<void> {
  const path = join(_OUTPUT_DIR, name);
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

/** One set after the other: an older file must not replace a newer one. */
let written = Promise.resolve();
function publish(): Promise<void> {
  written = written.then(async () => {
    const now = pems();
    if (now === undefined) return;
    await write('tls.key', now.key);
    await write('tls.crt', now.certificate);
    await write('ca.crt', now.ca);
  });
  return written;
}

process.once('SIGTERM', () => process.exit());
void followConsul(publish);
