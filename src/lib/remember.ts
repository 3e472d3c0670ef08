/** One that is asked for once while each of the others is asked for so often is out of use. */
const IN_USE = 8;

/**
 * `read`, which is asked for the same texts again and again, with what it made of them: each reconciliation looks at
 * everything anew, and parsing it is most of the work. A text is forgotten when it is out of use, as a leaf is that was
 * replaced, or when it is not one of the last `most`. What `read` throws is not kept.
 */
export function remember<T, Rest extends unknown[]>(
  read: (text: string, ...rest: Rest) => T,
  most: number,
): (text: string, ...rest: Rest) => T {
  const results = new Map<string, { readonly result: T; readonly askedAt: number }>();
  let asked = 0;
  return (text, ...rest) => {
    asked += 1;
    const result = results.get(text)?.result ?? read(text, ...rest);
    // At the end of the map's order: the first one has not been asked for the longest.
    results.delete(text);
    results.set(text, { result, askedAt: asked });
    for (const [oldest, { askedAt }] of results) {
      if (results.size <= most && asked - askedAt <= IN_USE * results.size) break;
      results.delete(oldest);
    }
    return result;
  };
}
