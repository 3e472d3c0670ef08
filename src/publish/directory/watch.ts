import { watch } from 'node:fs';
import { basename } from 'node:path';

/** Resolves when the folder can no longer be watched, does not exist, or `signal` aborts. */
export function watchUntilBroken(
  directory: string,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    try {
      const watcher = watch(directory, { signal });
      watcher.on('change', (_event, changed) => {
        const name = String(changed ?? '');
        // The folder itself was removed. Other names with two dots are the links and folders of a set being replaced.
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
