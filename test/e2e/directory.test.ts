import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { assertWorks, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

const FILES = ['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml', 'service.yaml'];

test('publishing into a folder', async (t) => {
  const bed = await makeBed(t);
  // After the bed's own end, which stops the daemon that writes there: hooks run in their order.
  const parent = mkdtempSync(join(tmpdir(), 'connector-output-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const directory = join(parent, 'made', 'by', 'it');
  const env = { _OUTPUT_DIR: directory, KUBECONFIG: '' };
  const daemon = await bed.startReady(env);
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  // It is watched a moment after it was made.
  await sleep(1_200);

  await t.test('needs no cluster and makes files that work, with manifests beside them', () => {
    const leaf = assertWorks(read('tls.crt') ?? '', read('ca.crt') ?? '');
    assert.ok(leaf.checkPrivateKey(createPrivateKey(read('tls.key') ?? '')));
    assert.equal(statSync(join(directory, 'tls.key')).mode & 0o777, 0o600);
    assert.equal(parse(read('secret.yaml') ?? '').type, 'kubernetes.io/tls');
    assert.match(read('service.yaml') ?? '', /secret: ambassador-consul-connect/);
    assert.deepEqual(bed.cluster.requests, []);
  });

  for (const name of FILES) {
    await t.test(`brings ${name} back within two seconds when it is deleted`, async () => {
      const before = read(name);

      rmSync(join(directory, name));

      await eventually('it is back', () => read(name) !== undefined);
      // Only a Secret's manifest that is gone cannot say any more when it was written.
      if (name !== 'secret.yaml') assert.equal(read(name), before);
    });
  }

  await t.test('puts a file right within two seconds when it is replaced', async () => {
    const before = read('tls.crt');

    rmSync(join(directory, 'tls.crt'));
    writeFileSync(join(directory, 'tls.crt'), 'not a certificate');

    await eventually('it is right', () => read('tls.crt') === before);
  });

  await t.test('follows a rotation of the root', async () => {
    const before = read('tls.crt');

    await bed.consul.rotateRoot({ leafDelayMs: 500 });

    await eventually('both roots', () => certificates(read('ca.crt') ?? '').length === 2);
    await eventually('the new leaf', () => read('tls.crt') !== before);
  });

  await t.test('writes nothing when it is started again', async () => {
    await daemon.stop();
    const before = statSync(join(directory, 'secret.yaml')).ino;

    const second = await bed.startReady(env);

    assert.equal(statSync(join(directory, 'secret.yaml')).ino, before);
    assert.equal(await second.metric('writes_total'), 0);
  });
});
