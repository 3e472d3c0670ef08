import type { Content, Decision, Published } from '../identity/policy/decide.ts';
import type { Manifests } from './manifests.ts';

/** What a decision to write carries to the place of publication. */
export interface Publication {
  readonly content: Content;
  readonly decision: Decision;
}

export type WriteOutcome =
  /** Something was written. */
  | 'written'
  /** The place already holds exactly this. */
  | 'unchanged'
  /** Somebody else keeps changing it: the next try is in a while, so that it is no stream of writes. */
  | 'rate-limited'
  /** Somebody else wrote first: read again and decide again. */
  | 'conflict';

/** A place of publication: Kubernetes objects, or a folder. It decides nothing and never deletes. */
export interface Publisher {
  /** What is written where, for the first log line. */
  readonly target: Readonly<Record<string, string>>;
  /**
   * Watches the place until `signal` aborts, and calls `onChange` whenever it may differ from what was read. Never
   * rejects: what goes wrong is logged and tried again.
   */
  run(onChange: () => void, signal: AbortSignal): Promise<void>;
  /** @throws PublishError */
  read(signal: AbortSignal): Promise<Published | undefined>;
  /** Puts `publication` there, if it is not there already. @throws PublishError */
  write(publication: Publication, signal: AbortSignal): Promise<WriteOutcome>;
  /** Puts there what tells the gateway to use the identity; after the identity itself. @throws PublishError */
  publishService(signal: AbortSignal): Promise<WriteOutcome>;
  close(): Promise<void>;
}

/** A place that can be asked what would be put there. */
export interface Preview extends Publisher {
  /** What `write` and `announce` would put there `at` that time; writes nothing. @throws PublishError */
  manifests(publication: Publication, at: string, signal: AbortSignal): Promise<Manifests>;
}
