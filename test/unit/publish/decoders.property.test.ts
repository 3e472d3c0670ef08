import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PublishError } from '../../../src/errors.ts';
import { decodeList, decodeObject } from '../../../src/publish/kubernetes/api/object.ts';
import { readLines } from '../../../src/publish/kubernetes/api/watch-stream.ts';
import { orOwnError, withWrongTypes } from '../bytes.ts';
import { runs } from '../property-runs.ts';

const LARGEST = 40;
const metadata = {
  name: 'ambassador-consul-connect',
  resourceVersion: '7',
  labels: { a: 'b' },
  annotations: { c: 'd' },
};
const secret = {
  metadata,
  type: 'kubernetes.io/tls',
  immutable: false,
  data: { 'tls.crt': 'eA==' },
  spec: {},
};

const objects = fc.oneof(
  fc.jsonValue(),
  withWrongTypes(secret),
  withWrongTypes(metadata).map((wrong) => ({ ...secret, metadata: wrong })),
);
const lists = fc.oneof(
  fc.jsonValue(),
  withWrongTypes({ metadata, items: [secret] }),
  fc.array(objects, { maxLength: 3 }).map((items) => ({ metadata, items })),
);

function assertDecoded({
  name,
  resourceVersion,
  labels,
  annotations,
  data,
  ...rest
}: ReturnType<typeof decodeObject>) {
  const texts = [name, resourceVersion, ...[labels, annotations, data].flatMap((map) => Object.values(map))];
  assert.ok(texts.every((text) => typeof text === 'string'));
  assert.ok(rest.type === undefined || typeof rest.type === 'string');
  assert.equal(typeof rest.immutable, 'boolean');
  assert.ok(typeof rest.spec === 'object' && rest.spec !== null);
}

test('any object of the API server is a PublishError or an object of the right types', () => {
  const property = fc.property(objects, (value) => {
    const decoded = orOwnError(PublishError, () => decodeObject(value));
    if (decoded !== undefined) assertDecoded(decoded);
  });
  fc.assert(property, runs(1_000));
});

test('any list of the API server is a PublishError or a list of such objects', () => {
  const property = fc.property(lists, (value) => {
    const decoded = orOwnError(PublishError, () => decodeList(value));
    for (const item of decoded?.items ?? []) assertDecoded(item);
  });
  fc.assert(property, runs(1_000));
});

/** The lines of these bytes, and the code of the PublishError that ends them, if any. */
async function linesOf(chunks: readonly Uint8Array[]): Promise<{ lines: string[]; code?: string }> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  const lines: string[] = [];
  try {
    for await (const line of readLines(stream(), LARGEST)) lines.push(line);
  } catch (error) {
    if (error instanceof PublishError) return { lines, code: error.code };
    throw error;
  }
  return { lines };
}

const streams = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('', '\r', '{"type":"ADDED"}', ' '.repeat(LARGEST), 'x'.repeat(LARGEST + 1)),
    ),
  )
  .map((lines) => Buffer.from(lines.join('\n')));
const anyBytes = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 8 });

test('the lines of a watch do not depend on how its bytes are split', async () => {
  const property = fc.asyncProperty(fc.oneof(streams, anyBytes), cuts, async (bytes, places) => {
    const edges = [0, ...places.map((place) => Math.min(place, bytes.length)), bytes.length].sort(
      (a, b) => a - b,
    );
    const chunks = edges.map((edge, nth) => bytes.subarray(edge, edges[nth + 1] ?? bytes.length));
    assert.deepEqual(await linesOf(chunks), await linesOf([bytes]));
  });
  await fc.assert(property, runs(500));
});

test('a watch that is cut off has its first lines, and never half of a line', async () => {
  const property = fc.asyncProperty(streams, fc.nat({ max: 200 }), async (bytes, end) => {
    const whole = await linesOf([bytes]);
    const cut = await linesOf([bytes.subarray(0, end)]);
    assert.deepEqual(cut.lines, whole.lines.slice(0, cut.lines.length));
    assert.ok(cut.code === undefined || cut.code === whole.code);
  });
  await fc.assert(property, runs(500));
});
