import assert from 'node:assert/strict';
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_COLOURS = 256;
/** The types of PNG (W3C PNG, section 11.2.2) that Chromium writes, with the bytes of a pixel. */
const BYTES_A_PIXEL: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

/**
 * The same picture with a palette of its 256 commonest colours, a quarter of the size: what else there is are shades at
 * the edges of letters.
 */
export function shrinkPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const counts = new Map<number, number>();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts.keys()]
    .sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))
    .slice(0, MAX_COLOURS);
  const nearest = new Map([...counts.keys()].map((colour) => [colour, nearestIn(palette, colour)]));
  const rows = Buffer.alloc((width + 1) * height);
  pixels.forEach((pixel, index) => {
    // Each row begins with its filter, which is none.
    rows[index + Math.floor(index / width) + 1] = nearest.get(pixel) ?? 0;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap(channels))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function decode(png: Buffer): { width: number; height: number; pixels: Uint32Array } {
  assert.deepEqual(png.subarray(0, SIGNATURE.length), SIGNATURE);
  const data: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const size = BYTES_A_PIXEL[png[25] ?? 0];
  assert.ok(png[24] === 8 && size !== undefined && png[28] === 0, 'a PNG of another type');
  const rows = unfilter(inflateSync(Buffer.concat(data)), width * size, height, size);
  const pixels = Uint32Array.from({ length: width * height }, (_, index) => rows.readUIntBE(index * size, 3));
  return { width, height, pixels };
}

/** Undoes the filters of a PNG's rows (W3C PNG, section 9). */
function unfilter(filtered: Buffer, rowBytes: number, height: number, size: number): Buffer {
  const rows = Buffer.alloc(rowBytes * height);
  const byte = (index: number): number => rows[index] ?? 0;
  for (let y = 0; y < height; y += 1) {
    const filter = filtered[y * (rowBytes + 1)];
    for (let x = 0; x < rowBytes; x += 1) {
      const at = y * rowBytes + x;
      const left = x < size ? 0 : byte(at - size);
      const up = y === 0 ? 0 : byte(at - rowBytes);
      const upLeft = x < size || y === 0 ? 0 : byte(at - rowBytes - size);
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, upLeft)][filter ?? 0] ?? 0;
      rows[at] = (filtered[y * (rowBytes + 1) + 1 + x] ?? 0) + predicted;
    }
  }
  return rows;
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const [a, b, c] = [left, up, upLeft].map((value) => Math.abs(estimate - value));
  if (a === undefined || b === undefined || c === undefined) return 0;
  if (a <= b && a <= c) return left;
  return b <= c ? up : upLeft;
}

function nearestIn(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  palette.forEach((candidate, index) => {
    const [a, b] = [channels(candidate), channels(colour)];
    const distance = a.reduce((sum, channel, nth) => sum + (channel - (b[nth] ?? 0)) ** 2, 0);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

function channels(colour: number): number[] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}
