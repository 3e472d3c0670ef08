import { bundleOf, newLeaf, newRoot, publishedAs } from './support.ts';

// A rotation without cross-signing, and a leaf of each root.
export const previous = await newRoot({ name: 'previous' });
export const active = await newRoot({ name: 'active' });
/** The bundle before the rotation, and while both roots are listed. */
export const before = bundleOf(previous);
export const after = bundleOf(active, previous);
export const oldLeaf = await newLeaf(previous);
export const newOne = await newLeaf(active);
/** What was published before it. */
export const published = publishedAs(oldLeaf, before);
