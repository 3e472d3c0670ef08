import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownLeaf } from '../../../src/connector/known-leaf.ts';
import type { Published } from '../../../src/identity/published.ts';
import type { IssuedLeaf } from '../../fixtures/certificates/factory.ts';
import { bundleOf, certificateOf, HOUR, NOW, newLeaf, newRoot, publishedAs } from '../identity/support.ts';

const root = await newRoot();
const bundle = bundleOf(root);
const older = await newLeaf(root, { from: NOW - HOUR });
const newer = await newLeaf(root);

/** As a connector wrote it, with the lines of its record. */
function written(leaf: IssuedLeaf, ...writes: readonly string[]): Published {
  return { ...publishedAs(leaf, bundle), writtenSerial: leaf.serial.toLowerCase(), writes };
}

const AT_10 = '2030-01-15T10:00:00.000Z missing: nothing was there';
const AT_11 = '2030-01-15T11:00:00.000Z renewal-due: it was old';

const olderSerial = older.serial.toLowerCase();
const edited = { ...written(newer, AT_11), ...publishedAs(older, bundle) };
const { writtenSerial: _serial, writes: _writes, ...bare } = written(newer, AT_11);

const CASES: Readonly<Record<string, readonly [Published[], (string | undefined)[]]>> = {
  'a leaf with another serial number than was written with it is foreign': [
    [written(newer, AT_11), edited],
    [undefined, olderSerial],
  ],
  'such a leaf is foreign at the start too': [[edited], [olderSerial]],
  'a leaf stays foreign when the annotations are restored, until another leaf is there': [
    [edited, written(older, AT_11), written(newer, AT_11)],
    [olderSerial, olderSerial, undefined],
  ],
  'a backup with its annotations, older than what was seen, is foreign': [
    [written(newer, AT_11, AT_10), written(older, AT_10)],
    [undefined, olderSerial],
  ],
  'an older leaf that another replica wrote is not, though its clock is behind': [
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
};

for (const [name, [published, serials]] of Object.entries(CASES)) {
  test(`I4: ${name}`, () => {
    const known = new KnownLeaf();
    const found = published.map((one) => {
      known.observe(one);
      return known.foreignSerial;
    });
    assert.deepEqual(found, serials);
  });
}

for (const [what, first, wrote, then, serial] of [
  [
    'what this process wrote is not foreign, though an older leaf than was seen',
    newer,
    older,
    older,
    undefined,
  ],
  ['a backup of what it wrote over is, before it has read its own write', older, newer, older, olderSerial],
] as const) {
  test(`I4: ${what}`, () => {
    const known = new KnownLeaf();
    known.observe(written(first, first === newer ? AT_11 : AT_10));
    known.wrote(certificateOf(wrote));
    known.observe(written(then, AT_10));
    assert.equal(known.foreignSerial, serial);
  });
}
