import type { Leaf, Root } from './consul-model.ts';

/** A time, by its own clock, at which the connector could write, and what Consul had sent by then. */
export interface Occasion {
  readonly at: number;
  readonly leaf: Leaf | undefined;
  readonly roots: readonly Root[];
}

/** As in docs/adr/0006-renew-late-and-only-to-a-fresh-leaf.md; a copy, so that a changed rule in `identity/` is detected. */
const [OLD_BELOW, URGENT_BELOW, FRESH_FROM] = [0.3, 0.15, 0.85];

/**
 * The least number of writes of any program that keeps the contract, even with perfect foresight.
 *
 * The state of a program is the leaf it has published. After each occasion the contract (rule 2) applies:
 * - the bundle is the list of roots: a changed list is a write, with or without a leaf;
 * - a leaf that violates the contract must be replaced if Consul's leaf does not violate it;
 * - a leaf may be replaced only if it violates the contract and Consul's leaf resolves that violation.
 * Between "must" and "may" a program is free. So every possible state is kept, with the least writes that lead to it (a shortest
 * path), and the least of all at the end is a lower bound for all programs.
 */
export function leastWrites(occasions: readonly Occasion[]): number {
  let states = new Map<Leaf | undefined, number>([[undefined, 0]]);
  let bundle = '';
  for (const occasion of occasions) {
    const listed = bundleOf(occasion);
    const bundleWrites = listed === bundle ? 0 : 1;
    bundle = listed;
    const after = new Map<Leaf | undefined, number>();
    const reach = (leaf: Leaf | undefined, writes: number): void => {
      after.set(leaf, Math.min(writes, after.get(leaf) ?? writes));
    };
    for (const [held, writes] of states) {
      const { must, may } = replacement(held, occasion);
      if (!must) reach(held, writes + (held === undefined ? 0 : bundleWrites));
      if (must || may) reach(occasion.leaf, writes + 1);
    }
    states = after;
  }
  return Math.min(...states.values());
}

function replacement(held: Leaf | undefined, occasion: Occasion): { must: boolean; may: boolean } {
  const { leaf } = occasion;
  if (leaf === undefined || leaf === held || !works(leaf, occasion)) return { must: false, may: false };
  if (held === undefined || !works(held, occasion)) return { must: true, may: true };
  const isBetterOnRoot = !isOfActiveRoot(held, occasion) && isOfActiveRoot(leaf, occasion);
  const livesLonger = leaf.notAfter > held.notAfter;
  const isNoWorse = isOfActiveRoot(leaf, occasion) || !isOfActiveRoot(held, occasion);
  const isBetter = livesLonger && isNoWorse;
  const isFreshForOld = isBetter && leftOf(held, occasion) < OLD_BELOW && isFresh(leaf, occasion);
  return {
    must: isBetterOnRoot || isFreshForOld,
    may: isBetterOnRoot || isFreshForOld || (isBetter && leftOf(held, occasion) < URGENT_BELOW),
  };
}

function works({ notBefore, notAfter, rootId, crossedBy }: Leaf, { at, roots }: Occasion): boolean {
  const anchor = roots.find(({ id, notBefore: from }) => (id === rootId || id === crossedBy) && from <= at);
  return anchor !== undefined && notBefore <= at && at <= notAfter;
}

function isOfActiveRoot({ rootId }: Leaf, { roots }: Occasion): boolean {
  return rootId === roots[0]?.id;
}

/** Whether the leaf is fresh enough to replace one that is only due for renewal. */
export function isFresh(leaf: Leaf, occasion: { readonly at: number }): boolean {
  return leftOf(leaf, occasion) >= FRESH_FROM;
}

function leftOf({ notBefore, notAfter }: Leaf, { at }: { readonly at: number }): number {
  return (notAfter - at) / (notAfter - notBefore);
}

function bundleOf({ roots, at }: Occasion): string {
  return roots
    .filter(({ notAfter }) => at <= notAfter)
    .map(({ id }) => id)
    .join(' ');
}
