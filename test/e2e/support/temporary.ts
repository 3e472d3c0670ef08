import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
// Not with the test: its hooks run in the order in which they were made, and a daemon that still runs would write again.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that goes when the process ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'connector-test-'));
  folders.add(folder);
  return folder;
}
