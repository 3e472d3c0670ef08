import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
// Not when the test ends: its hooks run in the order of their creation, and a running daemon would write again.
process.once('exit', () => {
  for (const folder of folders)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

/** An empty folder that is removed when the process ends. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'connector-test-'));
  folders.add(folder);
  return folder;
}
