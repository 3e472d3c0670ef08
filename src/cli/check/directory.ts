import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { withFileDeadline } from '../../lib/read-text.ts';
import { inThreadPool } from '../../lib/thread-pool.ts';
import { unusable } from '../../publish/directory/publisher.ts';
import { fail, pass, type Row } from './result.ts';

export const DIRECTORY = { check: 'directory', what: 'write the folder' };

/** Whether the folder can be written or created; changes nothing. */
export async function checkDirectory(directory: string, clock: Clock): Promise<Row> {
  for (let at = directory; ; at = dirname(at)) {
    try {
      // With the slash, a file is an error.
      await withFileDeadline(at, clock, () =>
        inThreadPool(() => access(`${at}/`, constants.W_OK | constants.X_OK)),
      );
      return pass(DIRECTORY, at === directory ? directory : `${directory} will be created`);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || at === dirname(at))
        return fail(DIRECTORY, unusable(directory, error));
    }
  }
}
