import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertWorks, makeBed } from '../e2e/support/bed.ts';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';

/** Room for little more than two sets of files. */
const DISK = '96k';
/** A mount namespace of the daemon: it ends with the daemon, and needs no root. */
const ON_SMALL_DISK = `mount -t tmpfs -o size=${DISK} none "$0" && exec "$@"`;

test('36: Disk full (ENOSPC): readers never see a half-changed set, and the new set is written when there is space', async (t) => {
  const bed = await makeBed(t);
  const mount = mkdtempSync(join(tmpdir(), 'connector-disk-'));
  t.after(() => rmSync(mount, { recursive: true, force: true }));
  const launcher = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', ON_SMALL_DISK, mount];
  const daemon = bed.start({ _OUTPUT_DIR: mount, KUBECONFIG: '', ...EACH_ATTEMPT }, [], launcher);
  await daemon.ready();
  // Its disk in that namespace.
  const disk = `/proc/${daemon.pid}/root${mount}`;
  const read = () => ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFileSync(join(disk, name), 'utf8'));
  const before = read();
  fill(join(disk, 'filler'));

  await bed.consul.rotateRoot({ leafDelayMs: 0 });

  const line = await daemon.line(({ code }) => code === 'DIRECTORY_UNWRITABLE');
  assert.match(String(line['error']), /ENOSPC/);
  assert.match(String(line['remedy']), /free space on that file system/);
  await daemon.unready(/ENOSPC/);
  await daemon.line(({ attempt }) => Number(attempt) >= 3);
  assert.deepEqual(read(), before);

  rmSync(join(disk, 'filler'));

  await eventually('the new set', () => read()[0] !== before[0]);
  const [certificate = '', key = '', roots = ''] = read();
  assert.ok(assertWorks(certificate, roots).checkPrivateKey(createPrivateKey(key)));
  await daemon.ready();
});

/** Writes until the disk is full. */
function fill(path: string): void {
  for (;;) {
    try {
      writeFileSync(path, Buffer.alloc(1024), { flag: 'a' });
    } catch (error) {
      assert.match(String(error), /ENOSPC/);
      return;
    }
  }
}
