/**
 * How current an answer of Consul is:
 * - `fresh`: from a server.
 * - `cached`: from the agent's cache, where such answers always come from; the agent renews it by itself.
 * - `stale`: from the cache of an agent that has lost its servers. Consul may have changed its roots since.
 */
export type Freshness = 'fresh' | 'cached' | 'stale';

/** What an answer says of its own age. */
export interface AnswerAge {
  readonly freshness: Freshness;
  /** Seconds since the agent fetched it from a server; 0 where it does not say. */
  readonly ageSeconds: number;
}

/** Whose `Age` means what: the agent keeps every leaf in its cache, and answers for the roots from a server while it has one. */
export type Subject = 'roots' | 'leaf';

/** The one place that decides how current an answer is. `header` is the `Age` of the answer (RFC 9111 section 5.1). */
export function answerAge(subject: Subject, header: string | undefined): AnswerAge {
  const ageSeconds = header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (ageSeconds === 0) return { freshness: 'fresh', ageSeconds };
  return { freshness: subject === 'roots' ? 'stale' : 'cached', ageSeconds };
}
