import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuedLeaf } from '../fixtures/certificates/factory.ts';
import { type Bed, makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { handOutKey } from './support/secrets.ts';

const HOUR_MS = 3_600_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;
const LINE = 'another writer replaced the published leaf';

/** A valid leaf of the same service, of an hour ago, for a day. */
async function olderLeaf({ consul }: Bed): Promise<IssuedLeaf> {
  const leaf = await consul.activeRoot.authority.issueLeaf({
    service: 'ambassador',
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
  });
  handOutKey(leaf.keyPem);
  return leaf;
}

function putThere({ cluster }: Bed, change: Readonly<Record<string, string>>): void {
  cluster.edit('Secret', NAMESPACE, SECRET, ({ data = {} }) =>
    Object.assign(
      data,
      Object.fromEntries(
        Object.entries(change).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      ),
    ),
  );
}

describe('I4: an older leaf that somebody puts in place', { concurrency: 4 }, () => {
  test("in the Secret, by hand: a WARN, an Event, and Consul's leaf is back with one write of two replicas", async (t) => {
    const bed = await makeBed(t);
    const daemons = [await bed.startReady(), await bed.startReady()];
    await bed.watched();
    const [leaf, key] = [bed.entry('tls.crt'), bed.entry('tls.key')];
    const writes = bed.cluster.writes('Secret');
    const old = await olderLeaf(bed);

    putThere(bed, { 'tls.crt': old.chainPem, 'tls.key': old.keyPem });

    await eventually('it is back', () => bed.entry('tls.crt') === leaf);
    assert.equal(bed.entry('tls.key'), key);
    const told = await eventually('it is told', () =>
      daemons.flatMap(({ logs }) => logs).find(({ msg }) => msg === LINE),
    );
    assert.deepEqual([told['level'], told['serial']], ['warn', old.serial.toLowerCase()]);
    assert.match(String(told['remedy']), /managed-fields.*docs\/rotation\.md/);
    await eventually('an Event', () =>
      bed.cluster.list('Event').some(({ reason }) => reason === 'ForeignLeaf'),
    );
    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes('Secret') - writes, 1);
  });

  test('in the Secret, from a backup with its annotations', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    await bed.watched();
    const backup = structuredClone(bed.secret());
    // Leaves differ by whole seconds.
    await sleep(1_100);
    const { issued } = await bed.consul.renewLeaf('ambassador');
    await eventually('the new one is known', () => bed.consul.open('leaf') === 1);
    bed.cluster.remove('Secret', NAMESPACE, SECRET);
    await eventually('the new one is published', () => bed.entry('tls.crt').startsWith(issued.certPem));

    bed.cluster.edit('Secret', NAMESPACE, SECRET, (secret) => {
      secret.data = { ...backup?.data };
      secret.metadata.annotations = { ...backup?.metadata.annotations };
    });

    await daemon.line(LINE);
    await eventually('the new one is back', () => bed.entry('tls.crt').startsWith(issued.certPem));
    assert.equal(await daemon.metric('writes_total', 'reason="foreign-leaf"'), 1);
  });

  test('in a folder, while nobody looked', async (t) => {
    const bed = await makeBed(t);
    const parent = mkdtempSync(join(tmpdir(), 'connector-output-'));
    t.after(() => rmSync(parent, { recursive: true, force: true }));
    const env = { _OUTPUT_DIR: join(parent, 'out'), KUBECONFIG: '' };
    const file = (name: string): string => join(parent, 'out', name);
    const first = await bed.startReady(env);
    await first.stop();
    const leaf = readFileSync(file('tls.crt'), 'utf8');
    const old = await olderLeaf(bed);
    writeFileSync(file('tls.crt'), old.chainPem);
    writeFileSync(file('tls.key'), old.keyPem);

    const daemon = await bed.startReady(env);

    await daemon.line(LINE);
    await eventually('it is back', () => readFileSync(file('tls.crt'), 'utf8') === leaf);
  });
});
