/**
 * `read`, which is asked for the same texts again and again, with what it made of the last `most` of them: each
 * reconciliation looks at everything anew, and parsing it is most of the work. What it throws is not kept.
 */
export function remember<T, Rest extends unknown[]>(
  read: (text: string, ...rest: Rest) => T,
  most: number,
): (text: string, ...rest: Rest) => T {
  const results = new Map<string, T>();
  return (text, ...rest) => {
    const result = results.get(text) ?? read(text, ...rest);
    // At the end of the map's order: the first one has not been asked for the longest.
    results.delete(text);
    results.set(text, result);
    for (const oldest of results.keys()) {
      if (results.size <= most) break;
      results.delete(oldest);
    }
    return result;
  };
}
