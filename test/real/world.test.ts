import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporary } from '../e2e/support/temporary.ts';
import { makeWorld } from './world.ts';

test('a world whose API server does not start leaves no server running, and fails with its output', async () => {
  process.env['KUBEBUILDER_ASSETS'] = assetsWith('#!/bin/sh\necho no such flag\nexit 1\n');

  await assert.rejects(makeWorld().start(), /kube-apiserver exited; the end of its output:\nno such flag/);

  assert.ok(!process.getActiveResourcesInfo().includes('ProcessWrap'), 'no child process is left');
});

/** A folder with that script as its API server; the other programs are found as usual. */
function assetsWith(script: string): string {
  const folder = temporary();
  writeFileSync(join(folder, 'kube-apiserver'), script, { mode: 0o755 });
  const own = process.env['KUBEBUILDER_ASSETS'];
  if (own !== undefined)
    for (const name of ['etcd', 'kubectl']) symlinkSync(join(own, name), join(folder, name));
  return folder;
}
