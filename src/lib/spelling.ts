/** The word of `known` nearest to `word`, at most `farthest` insertions and deletions away; a changed letter counts as two. */
export function nearestWord(word: string, known: readonly string[], farthest: number): string | undefined {
  const [nearest] = known
    .map((other) => ({ other, far: distance(word, other) }))
    .sort((a, b) => a.far - b.far);
  return nearest !== undefined && nearest.far <= farthest ? nearest.other : undefined;
}

/** The number of insertions and deletions: letters are left out more often than mistyped. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 2);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
