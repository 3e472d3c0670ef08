import { Counter, Gauge, Registry } from 'prom-client';
import type { Identity } from '../identity/identity.ts';

const PREFIX = 'ambassador_consul_connector_';

/** What is exported to Prometheus: counts and times, never a key, a token or a certificate. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #answers = this.#counter('consul_answers_total', 'Answers of Consul.', ['query', 'outcome']);
  readonly #heard = this.#gauge('consul_last_answer_timestamp_seconds', 'Last usable answer.', ['query']);
  readonly #age = this.#gauge('consul_answer_age_seconds', 'Age of the last answer; above 0 it is stale.', [
    'query',
  ]);
  readonly #requests = this.#counter('kubernetes_requests_total', 'Requests to the API server.', [
    'verb',
    'resource',
    'outcome',
  ]);
  readonly #restarts = this.#counter('kubernetes_watch_restarts_total', 'Watches that failed.', []);
  readonly #writes = this.#counter('writes_total', 'Writes of published objects.', ['object', 'reason']);
  readonly #refused = this.#counter('refused_candidates_total', 'Leaves that must not be published.', [
    'code',
  ]);
  readonly #notBefore = this.#gauge('leaf_not_before_timestamp_seconds', 'Start of the published leaf.', []);
  readonly #notAfter = this.#gauge('leaf_not_after_timestamp_seconds', 'End of the published leaf.', []);
  readonly #ready = this.#gauge('ready', '1 when /readyz answers 200.', []);

  constructor(version: string) {
    this.#gauge('build_info', 'Always 1; the version is a label.', ['version']).set({ version }, 1);
    this.#restarts.inc(0);
  }

  consulAnswered(query: string, outcome: string): void {
    this.#answers.inc({ query, outcome });
  }

  consulHeard(query: string, at: number, ageSeconds: number | undefined): void {
    this.#heard.set({ query }, at / 1000);
    this.#age.set({ query }, ageSeconds ?? 0);
  }

  kubernetesRequested(verb: string, resource: string, outcome: string): void {
    this.#requests.inc({ verb, resource, outcome });
  }

  watchRestarted(): void {
    this.#restarts.inc();
  }

  wrote(object: 'identity' | 'service', reason: string): void {
    this.#writes.inc({ object, reason });
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  published({ leaf }: Identity): void {
    this.#notBefore.set(leaf.notBefore / 1000);
    this.#notAfter.set(leaf.notAfter / 1000);
  }

  /** The text exposition format of Prometheus. */
  async text(ready: boolean): Promise<string> {
    this.#ready.set(ready ? 1 : 0);
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({
      name: PREFIX + name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
    return new Gauge({ name: PREFIX + name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }
}
