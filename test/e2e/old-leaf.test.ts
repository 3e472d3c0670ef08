import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issue } from './support/answers.ts';
import { makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { handOutKey } from './support/secrets.ts';

const HOUR_MS = 3_600_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;
const LINE = 'another writer replaced the published leaf';

test("I4: an older leaf that another writer puts into the Secret: a WARN, an Event, and Consul's leaf is back with one write of two replicas", async (t) => {
  const bed = await makeBed(t);
  const daemons = [await bed.startReady(), await bed.startReady()];
  await bed.watched();
  const [leaf, key] = [bed.entry('tls.crt'), bed.entry('tls.key')];
  const writes = bed.cluster.writes('Secret');
  const old = await issue(bed, {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
  });
  handOutKey(old.keyPem);

  bed.cluster.edit('Secret', NAMESPACE, SECRET, ({ data = {} }) => {
    data['tls.crt'] = Buffer.from(old.chainPem).toString('base64');
    data['tls.key'] = Buffer.from(old.keyPem).toString('base64');
  });

  await eventually('it is back', () => bed.entry('tls.crt') === leaf);
  assert.equal(bed.entry('tls.key'), key);
  const line = await eventually('the log line', () =>
    daemons.flatMap(({ logs }) => logs).find(({ msg }) => msg === LINE),
  );
  assert.deepEqual([line['level'], line['serial']], ['warn', old.serial.toLowerCase()]);
  assert.match(String(line['remedy']), /managed-fields.*docs\/rotation\.md/);
  await eventually('an Event', () =>
    bed.cluster.list('Event').some(({ reason }) => reason === 'ForeignLeaf'),
  );
  await sleep(SETTLED_MS);
  assert.equal(bed.cluster.writes('Secret') - writes, 1);
});
