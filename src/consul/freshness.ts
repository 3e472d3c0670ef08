/**
 * How current Consul's answer is:
 * - `fresh`: from a server.
 * - `cached`: from the agent's cache, as always for this endpoint; the agent renews it by itself.
 * - `stale`: from the cache of an agent that has lost its servers. Consul may have changed its roots since.
 */
export type Freshness = 'fresh' | 'cached' | 'stale';

/** The age of an answer. */
export interface AnswerAge {
  readonly freshness: Freshness;
  /** Seconds since the agent fetched it from a server; 0 if unknown. */
  readonly ageSeconds: number;
}

/** Determines the meaning of `Age`: the agent caches every leaf, but queries a server for the roots while it can reach one. */
export type Subject = 'roots' | 'leaf';

/** Decides how current an answer is. `header` is its `Age` (RFC 9111 section 5.1). */
export function answerAge(subject: Subject, header: string | undefined): AnswerAge {
  const ageSeconds = header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (ageSeconds === 0) return { freshness: 'fresh', ageSeconds };
  return { freshness: subject === 'roots' ? 'stale' : 'cached', ageSeconds };
}
