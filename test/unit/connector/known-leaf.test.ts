import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownLeaf } from '../../../src/connector/known-leaf.ts';
import type { Published } from '../../../src/identity/published.ts';
import type { Certificate } from '../../../src/identity/x509/certificate.ts';
import type { IssuedLeaf } from '../../fixtures/certificates/factory.ts';
import { bundleOf, certificateOf, HOUR, NOW, newLeaf, newRoot, publishedAs } from '../identity/support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const older = await newLeaf(root, { from: NOW - HOUR });
const newer = await newLeaf(root);

/** As written by a connector, with its record. */
function written(leaf: IssuedLeaf, ...writes: readonly string[]): Published {
  return { ...publishedAs(leaf, bundle), writtenSerial: leaf.serial.toLowerCase(), writes };
}

const AT_10 = '2030-01-15T10:00:00.000Z missing: nothing was there';
const AT_11 = '2030-01-15T11:00:00.000Z renewal-due: it was old';

const olderSerial = older.serial.toLowerCase();
const edited = { ...written(newer, AT_11), ...publishedAs(older, bundle) };
const { writtenSerial: _serial, writes: _writes, ...bare } = written(newer, AT_11);

/** What is published, or the leaf that this process wrote; and the serial number of the foreign leaf after each. */
const CASES: Readonly<Record<string, readonly [(Published | Certificate)[], (string | undefined)[]]>> = {
  'a leaf with a serial number other than the recorded one is foreign': [
    [written(newer, AT_11), edited],
    [undefined, olderSerial],
  ],
  'such a leaf is also foreign at the start': [[edited], [olderSerial]],
  'a leaf stays foreign when the annotations are restored, until another leaf is published': [
    [edited, written(older, AT_11), written(newer, AT_11)],
    [olderSerial, olderSerial, undefined],
  ],
  'a backup with its annotations, older than what was seen, is foreign': [
    [written(newer, AT_11, AT_10), written(older, AT_10)],
    [undefined, olderSerial],
  ],
  'an older leaf by another replica is not, though its clock is behind': [
    [written(newer, AT_11), written(older, AT_10, AT_11)],
    [undefined, undefined],
  ],
  'an older leaf that was written later is not, as when the Secret was deleted': [
    [written(newer, AT_10), written(older, AT_11)],
    [undefined, undefined],
  ],
  'annotations that were edited or removed make no known leaf foreign': [
    [written(newer, AT_11), { ...bare, writtenSerial: '0', writes: [AT_10] }, bare],
    [undefined, undefined, undefined],
  ],
  'a target that keeps no record, or that of the old program, has no foreign leaf': [
    [publishedAs(newer, bundle), publishedAs(older, bundle)],
    [undefined, undefined],
  ],
  'what this process wrote is not foreign, though older than what was seen': [
    [written(newer, AT_11), certificateOf(older), written(older, AT_10)],
    [undefined, undefined, undefined],
  ],
  'a backup of what it overwrote is foreign, even before it has read its own write': [
    [written(older, AT_10), certificateOf(newer), written(older, AT_10)],
    [undefined, undefined, olderSerial],
  ],
};

for (const [name, [events, serials]] of Object.entries(CASES)) {
  test(`I4: ${name}`, () => {
    const known = new KnownLeaf();
    const found = events.map((event) => {
      if ('certificatePem' in event) known.observe(event);
      else known.wrote(event);
      return known.foreignSerial;
    });
    assert.deepEqual(found, serials);
  });
}
