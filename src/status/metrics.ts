import { Counter, Gauge, Registry } from 'prom-client';
import { IDENTITY_FAULTS } from '../errors.ts';
import type { Identity } from '../identity/identity.ts';
import { WRITE_REASONS } from '../identity/policy/decision.ts';
import type { TrustBundle } from '../identity/trust-bundle.ts';
import type { Certificate } from '../identity/x509/certificate.ts';
import { UNREADY_REASONS, type UnreadyReason } from './health.ts';
import { registerProcessMetrics } from './process-metrics.ts';

export const METRICS_PREFIX = 'ambassador_consul_connector_';

/** The exported metrics: counts and times, never a key, a token or a certificate. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #ready = this.#gauge('ready', '1 while /readyz answers 200.');
  readonly #unready = this.#gauge('unready', '1 for each reason for which /readyz does not answer 200.', [
    'reason',
  ]);
  readonly #published = this.#gauge('published', '1 if a valid identity is published.');
  readonly #notBefore = this.#gauge(
    'leaf_not_before_timestamp_seconds',
    'Start of validity of the last published leaf; absent before the first.',
  );
  readonly #notAfter = this.#gauge(
    'leaf_not_after_timestamp_seconds',
    'Expiry of the last published leaf; absent before the first.',
  );
  readonly #caNotBefore = this.#gauge(
    'ca_not_before_timestamp_seconds',
    'Start of validity of the first CA certificate to expire, of the active roots and of the published intermediates.',
    ['certificate'],
  );
  readonly #caNotAfter = this.#gauge('ca_not_after_timestamp_seconds', 'Its expiry.', ['certificate']);
  readonly #writes = this.#counter(
    'writes_total',
    'Writes of the identity and of the Service with its TLSContext.',
    ['object', 'reason'],
  );
  readonly #lastWrite = this.#gauge('last_write_timestamp_seconds', 'Last write by this process.', [
    'object',
  ]);
  readonly #rateLimited = this.#counter(
    'rate_limited_writes_total',
    'Writes delayed because another writer keeps modifying the object.',
  );
  readonly #rejected = this.#counter(
    'rejected_candidates_total',
    'Rejected answers of Consul, each new one counted once.',
    ['code'],
  );
  readonly #candidateRejected = this.#gauge(
    'candidate_rejected',
    '1 if the newest answer of Consul is rejected.',
  );
  readonly #trustDomainChanges = this.#counter(
    'trust_domain_changes_total',
    'Writes of an identity with another trust domain than the previous one.',
  );
  readonly #answers = this.#counter(
    'consul_queries_total',
    'Completed blocking queries by outcome: ok, timeout or the error code.',
    ['query', 'outcome'],
  );
  readonly #up = this.#gauge(
    'consul_up',
    '1 if the last query was answered, 0 if it failed or the agent has lost its servers.',
    ['query'],
  );
  readonly #answered = this.#gauge('consul_last_answer_timestamp_seconds', 'Last usable answer.', ['query']);
  readonly #fresh = this.#gauge(
    'consul_last_fresh_answer_timestamp_seconds',
    'When the agent fetched its last answer from its servers.',
    ['query'],
  );
  readonly #age = this.#gauge(
    'consul_answer_age_seconds',
    'Age of the last answer: how long ago the agent fetched it from its servers.',
    ['query'],
  );
  readonly #requests = this.#counter(
    'kubernetes_requests_total',
    'Requests to the API server by outcome: ok or the error code.',
    ['verb', 'resource', 'outcome'],
  );
  readonly #restarts = this.#counter('kubernetes_watch_restarts_total', 'Watches that failed.');

  /** @param droppedLogLines returns the number of dropped log lines */
  constructor(version: string, droppedLogLines: () => number = () => 0) {
    new Counter({
      name: `${METRICS_PREFIX}dropped_log_lines_total`,
      help: 'Log lines dropped because standard output was not read in time.',
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(droppedLogLines());
      },
    });
    this.#gauge('build_info', 'Always 1; the version is a label.', ['version']).set({ version }, 1);
    this.#startAtZero();
    // A gauge begins at 0, which would mean a leaf that expired in 1970.
    this.#notBefore.remove();
    this.#notAfter.remove();
    registerProcessMetrics(this.#registry);
  }

  /**
   * A query was answered `at` that time (milliseconds since the epoch). `isUp` is false for an answer from the cache of an agent
   * that cannot reach its servers.
   */
  consulAnswered(query: string, at: number, ageSeconds: number, isUp: boolean): void {
    this.#answers.inc({ query, outcome: 'ok' });
    this.#up.set({ query }, isUp ? 1 : 0);
    this.#answered.set({ query }, at / 1000);
    this.#fresh.set({ query }, at / 1000 - ageSeconds);
    this.#age.set({ query }, ageSeconds);
  }

  /** A blocking query timed out, which is not necessarily an error. */
  consulTimedOut(query: string): void {
    this.#answers.inc({ query, outcome: 'timeout' });
  }

  consulFailed(query: string, code: string): void {
    this.#answers.inc({ query, outcome: code });
    this.#up.set({ query }, 0);
  }

  kubernetesRequested(verb: string, resource: string, outcome: string): void {
    this.#requests.inc({ verb, resource, outcome });
  }

  watchRestarted(): void {
    this.#restarts.inc();
  }

  /** `at`: milliseconds since the epoch. */
  wrote(object: 'identity' | 'service', reason: string, at: number): void {
    this.#writes.inc({ object, reason });
    this.#lastWrite.set({ object }, at / 1000);
  }

  rateLimited(): void {
    this.#rateLimited.inc();
  }

  rejected(code: string): void {
    this.#rejected.inc({ code });
    this.#candidateRejected.set(1);
  }

  /** Consul's last answer may be published. */
  accepted(): void {
    this.#candidateRejected.set(0);
  }

  trustDomainChanged(): void {
    this.#trustDomainChanges.inc();
  }

  /** Consul lists these roots. */
  trusted({ anchors, active }: TrustBundle): void {
    this.#certified(
      'root',
      anchors.filter(({ fingerprint }) => active.has(fingerprint)),
    );
  }

  published({ leaf, chain, notAfter }: Identity): void {
    this.#published.set(1);
    this.#certified('intermediate', chain.intermediates);
    this.#notBefore.set(leaf.notBefore / 1000);
    this.#notAfter.set(notAfter / 1000);
  }

  /** No valid identity is published. The leaf's expiry stays: it may be the reason, and an alert uses it. */
  unpublished(): void {
    this.#published.set(0);
  }

  /** The text exposition format of Prometheus. @param unready the reasons to be unready, empty if ready */
  async text(unready: readonly UnreadyReason[]): Promise<string> {
    this.#ready.set(unready.length === 0 ? 1 : 0);
    for (const reason of UNREADY_REASONS) this.#unready.set({ reason }, unready.includes(reason) ? 1 : 0);
    return this.#registry.metrics();
  }

  /** Prometheus does not detect an increase of a series that begins at 1. */
  #startAtZero(): void {
    for (const reason of WRITE_REASONS) this.#writes.inc({ object: 'identity', reason }, 0);
    this.#writes.inc({ object: 'service', reason: 'repair' }, 0);
    for (const code of IDENTITY_FAULTS) this.#rejected.inc({ code }, 0);
  }

  /** Only the first to expire, without a label for each: labels must not contain outside data. */
  #certified(certificate: 'root' | 'intermediate', cas: readonly Certificate[]): void {
    const [first] = [...cas].sort((a, b) => a.notAfter - b.notAfter);
    if (first === undefined) {
      this.#caNotBefore.remove({ certificate });
      this.#caNotAfter.remove({ certificate });
      return;
    }
    this.#caNotBefore.set({ certificate }, first.notBefore / 1000);
    this.#caNotAfter.set({ certificate }, first.notAfter / 1000);
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({
      name: METRICS_PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({
      name: METRICS_PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }
}
