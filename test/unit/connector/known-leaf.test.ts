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

/** The serial number that is told after each of these was read. */
function told(...published: readonly Published[]): (string | undefined)[] {
  const known = new KnownLeaf();
  return published.map((one) => {
    known.observe(one);
    return known.foreignSerial;
  });
}

const olderSerial = older.serial.toLowerCase();

test('I4: a leaf with another serial number than was written with it is of somebody else', () => {
  const edited = { ...written(newer, AT_11), ...publishedAs(older, bundle) };

  assert.deepEqual(told(written(newer, AT_11), edited), [undefined, olderSerial]);
  assert.deepEqual(told(edited), [olderSerial], 'at the start, too');
});

test('I4: it stays of somebody else when the annotations are put right, and until another leaf is there', () => {
  const edited = { ...written(newer, AT_11), ...publishedAs(older, bundle) };

  assert.deepEqual(told(edited, written(older, AT_11), written(newer, AT_11)), [
    olderSerial,
    olderSerial,
    undefined,
  ]);
});

test('I4: a backup with its annotations, older than what was seen, is of somebody else', () => {
  assert.deepEqual(told(written(newer, AT_11, AT_10), written(older, AT_10)), [undefined, olderSerial]);
});

test('I4: a backup of what this process wrote over is, before it has read its own write', () => {
  const known = new KnownLeaf();
  known.observe(written(older, AT_10));

  known.wrote(certificateOf(newer));
  known.observe(written(older, AT_10));

  assert.equal(known.foreignSerial, olderSerial);
});

test('I4: an older leaf that another replica wrote is not, though its clock is behind', () => {
  assert.deepEqual(told(written(newer, AT_11), written(older, AT_10, AT_11)), [undefined, undefined]);
});

test('I4: an older leaf that was written later is not, as when the Secret was deleted', () => {
  assert.deepEqual(told(written(newer, AT_10), written(older, AT_11)), [undefined, undefined]);
});

test('I4: what this process wrote is not, though it is older than another one that was seen', () => {
  const known = new KnownLeaf();
  known.observe(written(newer, AT_11));

  known.wrote(certificateOf(older));
  known.observe(written(older, AT_10));

  assert.equal(known.foreignSerial, undefined);
});

test('I4: annotations that were edited or removed make no leaf that is known one of somebody else', () => {
  const { writtenSerial: _serial, writes: _writes, ...bare } = written(newer, AT_11);

  assert.deepEqual(told(written(newer, AT_11), { ...bare, writtenSerial: '0', writes: [AT_10] }, bare), [
    undefined,
    undefined,
    undefined,
  ]);
});

test('I4: a target that keeps no record, or that of the old program, has no leaf of somebody else', () => {
  assert.deepEqual(told(publishedAs(newer, bundle), publishedAs(older, bundle)), [undefined, undefined]);
});
