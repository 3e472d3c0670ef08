/** Below this share of its lifetime a leaf is replaced; Consul renews at 60 to 90 % of the lifetime, so normally earlier. */
export const RENEWAL_DUE_BELOW = 0.4;

/** A published leaf with less of its lifetime left than this makes the daemon unready: before it expires, not after. */
export const UNREADY_BELOW = 0.1;
