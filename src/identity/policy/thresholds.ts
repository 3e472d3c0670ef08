/**
 * Below this share of its lifetime a leaf is replaced by a fresh one. Consul renews at 60 to 90 % of the lifetime, so the next leaf
 * is normally available by then, and another replica's half-aged leaf is not used in between.
 */
export const RENEWAL_DUE_BELOW = 0.3;

/** A leaf is fresh with at least this share of its lifetime left. */
export const FRESH_FROM = 0.85;

/** Below this share a leaf is replaced by any leaf that expires notably later. */
export const URGENT_BELOW = 0.15;

/** A published leaf with less of its lifetime left makes the daemon unready, before it expires. */
export const UNREADY_BELOW = 0.1;
