import fc from 'fast-check';

/** The text truncated, repeated, or with bytes changed, inserted or removed, as by a broken connection. */
export function spoilt(text: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: text.length });
  const wrong = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('\0', '"', '-----', '\ud800', '\n\n'));
  return fc.oneof(
    place.map((end) => text.slice(0, end)),
    place.map((start) => text.slice(start)),
    fc.tuple(place, wrong).map(([at, by]) => text.slice(0, at) + by + text.slice(at)),
    fc.tuple(place, wrong).map(([at, by]) => text.slice(0, at) + by + text.slice(at + by.length)),
    fc.tuple(place, place).map(([from, to]) => text.slice(0, from) + text.slice(to)),
    fc.constant(text + text),
  );
}

/** A record with some fields replaced by a value of any kind, or left out. */
export function withWrongTypes(
  record: Readonly<Record<string, unknown>>,
): fc.Arbitrary<Record<string, unknown>> {
  const changes = fc.dictionary(fc.constantFrom(...Object.keys(record)), fc.jsonValue({ maxDepth: 2 }));
  const missing = fc.subarray(Object.keys(record));
  return fc
    .tuple(changes, fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: missing }))
    .map(([changed, gone]) => {
      const entries = Object.entries({ ...record, ...changed });
      return Object.fromEntries(entries.filter(([key]) => !gone.some((name) => name === key)));
    });
}

/** The result of `work`, or undefined if it throws an error of its own kind. @throws any other error */
export function orOwnError<Value>(
  own: abstract new (...args: never[]) => Error,
  work: () => Value,
): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof own) return undefined;
    throw error;
  }
}
