import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'ambassador-consul-connector.js';
const BUILT = new URL(`../../../dist/${NAME}`, import.meta.url);

let copied: string | undefined;

/** The path of the built bundle, alone in a folder: no node_modules beside it or above. */
export function bundle(): string {
  if (copied !== undefined) return copied;
  const folder = mkdtempSync(join(tmpdir(), 'connector-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  copied = join(folder, NAME);
  copyFileSync(BUILT, copied);
  return copied;
}
