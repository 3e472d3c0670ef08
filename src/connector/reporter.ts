import type { Logger } from 'pino';
import { errorOfStaleRoots } from '../consul/errors/status.ts';
import type { AnswerAge, Subject } from '../consul/freshness.ts';
import { type ConsulError, describeError, type IdentityError, PublishError } from '../errors.ts';
import { type Identity, lifetimeLeft } from '../identity/identity.ts';
import {
  causeOf,
  describeCause,
  type Keep,
  type Replace,
  type WriteCause,
} from '../identity/policy/decision.ts';
import type { Plan, Planned } from '../identity/policy/plan.ts';
import { UNREADY_BELOW } from '../identity/policy/thresholds.ts';
import type { Clock } from '../lib/clock.ts';
import type { PublishObserver } from '../publish/publisher.ts';
import { type ObjectName, qualifiedName, type Target, targetFields } from '../publish/target.ts';
import type { EventLog } from '../status/event-log.ts';
import type { Health } from '../status/health.ts';
import type { Metrics } from '../status/metrics.ts';
import { ChangeDetector } from './change-detector.ts';
import { LastingProblems } from './lasting-problems.ts';
import { failureOf, type IdentityOutcome, type Reconciliation, type ServiceOutcome } from './reconciler.ts';

export interface ReporterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly eventLog: EventLog;
  /** The target, for each log line about it. */
  readonly target: Target;
}

const QUERIES = ['roots', 'leaf'] as const satisfies readonly Subject[];
/** Bounds log and memory if each warning has a different text. */
const MAX_WARNINGS = 100;
const EXPIRING_REMEDY =
  'find out why Consul issues no newer leaf: see the previous warnings in the log, or run `check`';
const TRUST_DOMAIN_REMEDY =
  'none if Consul was reinstalled; otherwise check which server answers at _CONSUL_HOST, and set _CONSUL_TRUST_DOMAIN to reject the identities of any other trust domain';
const STRAY_KEY_REMEDY =
  'check the certificates in the CA provider configuration of Consul; if it is the key of a CA, rotate that CA: consul connect ca set-config';
const FOREIGN_LEAF_REMEDY =
  'find the writer of tls.crt with kubectl get --show-managed-fields; if others may have the key, see docs/rotation.md';
const CONFLICTING_WRITER_REMEDY =
  'find the other writer with kubectl get --show-managed-fields; two connectors for one object need the same configuration';

/** Subjects of `LastingProblems`, besides each query and each watch. */
const PUBLISHING = 'publishing';
const REMEDIES = 'remedies of Consul';

/**
 * The only place that turns outcomes into log lines, metrics, health and events. A lasting state is reported when it begins and
 * when it changes, not each time it is found.
 */
export class Reporter implements PublishObserver {
  readonly #options: ReporterOptions;
  readonly #changes = new ChangeDetector();
  readonly #lasting: LastingProblems;
  readonly #eventFailures = new Set<string>();
  readonly #warnings = new Set<string>();
  readonly #target: Readonly<Record<string, string>>;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#lasting = new LastingProblems(options.clock);
    this.#target = targetFields(options.target);
  }

  heartbeat(loop: string): void {
    this.#options.health.heartbeat(loop);
  }

  queryAnswered(query: Subject, { freshness, ageSeconds }: AnswerAge, isRecovering: boolean): void {
    const { clock, logger, health, metrics } = this.#options;
    const isStale = freshness === 'stale';
    const isUp = !isStale && !isRecovering;
    health.heartbeat(query);
    health.recordAnswer(query, isStale ? ageSeconds : undefined);
    metrics.consulAnswered(query, clock.now(), ageSeconds, isUp);
    if (isUp) {
      health.clearProblem(query);
      const lastedSeconds = this.#lastedSeconds(queryName(query));
      if (lastedSeconds !== undefined) logger.info({ query, lastedSeconds }, 'Consul answers again');
      if (!QUERIES.some((each) => this.#lasting.has(queryName(each)))) this.#lasting.end(REMEDIES);
    }
    if (isStale) health.setProblem(query, errorOfStaleRoots(ageSeconds));
    if (this.#changes.isNew(`stale ${query}`, isStale) && isStale) {
      const described = describeError(errorOfStaleRoots(ageSeconds));
      logger.warn({ ageSeconds, ...described }, 'the Consul agent returned stale CA roots');
    }
  }

  /** A blocking query timed out, which is not necessarily an error. */
  queryTimedOut(query: Subject): void {
    const { logger, health, metrics } = this.#options;
    health.heartbeat(query);
    metrics.consulTimedOut(query);
    logger.debug({ query }, 'a blocking query timed out without an answer, sending a new one');
  }

  /** The remedy is logged once per outage for both queries; health always includes it. */
  queryFailed(query: Subject, error: ConsulError, attempt: number, retryMs: number): void {
    const { logger, health, metrics } = this.#options;
    health.heartbeat(query);
    health.setProblem(query, error);
    metrics.consulFailed(query, error.code);
    const { remedy = '', ...described } = describeError(error);
    const level = this.#lasting.isDue(queryName(query), described.error) ? 'warn' : 'debug';
    const isRemedyDue = level === 'warn' && this.#lasting.isDue(REMEDIES, remedy);
    logger[level](
      { query, ...described, ...(isRemedyDue ? { remedy } : {}), attempt, retryMs },
      'Consul query failed, retrying',
    );
  }

  /** Private keys among Consul's certificates. They are not published, but Consul returns them to every client. */
  strayKeys(query: Subject, where: readonly string[]): void {
    if (!this.#changes.isNew(`stray keys ${query}`, where.join()) || where.length === 0) return;
    this.#options.logger.warn(
      { where, remedy: STRAY_KEY_REMEDY },
      'removed private keys found among the certificates of Consul',
    );
  }

  reconciled(reconciliation: Reconciliation): void {
    const { plan, identity, service, identityWrites, serviceWrites } = reconciliation;
    if (plan !== undefined) this.#planned(plan);
    for (const write of identityWrites) this.#wrote(write);
    this.#identity(identity);
    for (let write = 0; write < serviceWrites; write += 1) this.#wroteService();
    this.#service(service);
    if (failureOf(reconciliation) !== undefined) return;
    const lastedSeconds = this.#lastedSeconds(PUBLISHING);
    if (lastedSeconds === undefined) return;
    this.#options.logger.info({ ...this.#target, lastedSeconds }, 'publishing works again');
  }

  /** A reconciliation failed for the `attempt`-th time in a row; the next one is in `retryMs` milliseconds. */
  reconcileFailed(error: unknown, attempt: number, retryMs: number): void {
    const { logger, health } = this.#options;
    const isExpected = error instanceof PublishError;
    // Any other error is a bug of this program, and not part of an outcome.
    if (!isExpected) health.setProblem('identity', error);
    const fields = { ...describeError(error), attempt, retryMs };
    const isDue = this.#lasting.isDue(PUBLISHING, fields.error);
    const level = !isDue ? 'debug' : isExpected ? 'warn' : 'error';
    logger[level](fields, 'publishing failed, retrying');
  }

  requested(verb: string, resource: string, outcome: string): void {
    const { health, metrics } = this.#options;
    metrics.kubernetesRequested(verb, resource, outcome);
    if (outcome === 'ok') health.recordAnswer('kubernetes');
  }

  /** Logged once per object and text, because every response repeats it. */
  warned(object: string, warning: string): void {
    const key = `${object} ${warning}`;
    if (this.#warnings.has(key) || this.#warnings.size >= MAX_WARNINGS) return;
    this.#warnings.add(key);
    this.#options.logger.warn({ object, warning }, 'the API server warns');
  }

  watching(object: string): void {
    this.#options.health.clearProblem(watchOf(object));
    const lastedSeconds = this.#lastedSeconds(watchOf(object));
    if (lastedSeconds !== undefined) this.#options.logger.info({ object, lastedSeconds }, 'watching again');
  }

  watchFailed(object: string, error: unknown, attempt: number, retryMs: number): void {
    const { logger, health, metrics } = this.#options;
    metrics.watchRestarted();
    health.setProblem(watchOf(object), error);
    const described = describeError(error);
    const level = this.#lasting.isDue(watchOf(object), described.error) ? 'warn' : 'debug';
    logger[level]({ object, ...described, attempt, retryMs }, 'watch failed, restarting');
  }

  adopted(object: string): void {
    const { clock, logger, eventLog } = this.#options;
    const message = `adopted ${object}, which another writer had created`;
    eventLog.record({ reason: 'Adopted', at: clock.now(), message });
    logger.info({ object }, 'adopted an existing object');
  }

  rateLimited(object: string, retryMs: number): void {
    const { clock, logger, metrics, eventLog } = this.#options;
    const remedy = CONFLICTING_WRITER_REMEDY;
    const message = `another writer keeps modifying ${object}`;
    metrics.rateLimited();
    eventLog.record({ reason: 'ConflictingWriter', at: clock.now(), message, remedy });
    logger.warn(
      { object, retryMs, remedy },
      'another writer keeps modifying the object; repairs are rate-limited',
    );
  }

  annotationRemoved(object: string, annotation: string): void {
    this.#options.logger.info(
      { object, annotation },
      'removed the last-applied annotation, which contained an old private key',
    );
  }

  confirmed(object: 'identity' | 'service', cause: WriteCause): void {
    const { clock, logger, metrics, eventLog } = this.#options;
    const reason = describeCause(cause);
    metrics.wrote(object, cause.reason, clock.now());
    if (object === 'identity') eventLog.record({ reason: 'Published', at: clock.now(), message: reason });
    logger.info({ ...this.#target, reason, object }, 'a write whose answer was lost has succeeded');
  }

  /** Logged when it begins and when it changes, because each repair repeats it. */
  portsRejected(service: ObjectName, error: unknown): void {
    const described = describeError(error);
    if (!this.#changes.isNew('ports', described.error)) return;
    const { namespace, name } = service;
    this.#options.logger.warn(
      {
        service: qualifiedName(service),
        ...described,
        remedy: `remove the ports added by others, or run kubectl -n ${namespace} delete service ${name}: it is recreated at once`,
      },
      'the ports of the Service cannot be repaired; its TLSContext is published',
    );
  }

  permissionMissing(error: unknown): void {
    this.#options.logger.warn(describeError(error), 'the leaf will not be renewed');
  }

  /** Logged once per remedy: a missing permission affects every Event. */
  eventFailed(error: unknown): void {
    const described = describeError(error);
    const cause = `${described.code} ${described.remedy}`;
    if (this.#eventFailures.has(cause)) return;
    this.#eventFailures.add(cause);
    this.#options.logger.warn(described, 'writing an Event failed');
  }

  /** The duration of the problem that ends now; undefined if there was none. */
  #lastedSeconds(problem: string): number | undefined {
    const lastedMs = this.#lasting.end(problem);
    return lastedMs === undefined ? undefined : Math.round(lastedMs / 1_000);
  }

  #planned(plan: Plan): void {
    const { health } = this.#options;
    const { rootsRejected } = plan;
    if (rootsRejected !== undefined) health.setProblem('trust', rootsRejected);
    else if (plan.kind === 'planned') health.clearProblem('trust');
    const rejected = plan.kind === 'planned' ? plan.decision.rejected : undefined;
    this.#rejected(rootsRejected ?? rejected);
    if (plan.kind !== 'planned') return;
    this.#bundle(plan);
    this.#foreignLeaf(plan.foreignLeaf);
    if (rejected === undefined) health.clearProblem('candidate');
    else health.setProblem('candidate', rejected);
  }

  #foreignLeaf(serial: string | undefined): void {
    if (!this.#changes.isNew('foreign leaf', serial) || serial === undefined) return;
    const { clock, logger, eventLog } = this.#options;
    const remedy = FOREIGN_LEAF_REMEDY;
    const message = `another writer published the leaf with the serial number ${serial}`;
    eventLog.record({ reason: 'ForeignLeaf', at: clock.now(), message, remedy });
    logger.warn({ ...this.#target, serial, remedy }, 'another writer replaced the published leaf');
  }

  /** Reports a rejected answer; undefined once none is rejected, so that the next rejection is new. */
  #rejected(error: IdentityError | undefined): void {
    if (!this.#changes.isNew('rejected', error?.message)) return;
    const { clock, logger, metrics, eventLog } = this.#options;
    if (error === undefined) {
      metrics.accepted();
      return;
    }
    const { code, error: message, remedy } = describeError(error);
    metrics.rejected(code);
    eventLog.record({ reason: 'Rejected', at: clock.now(), message, code, remedy });
    logger.warn(
      { ...this.#target, ...describeError(error) },
      'rejected an answer from Consul, the published identity is unchanged',
    );
  }

  #bundle({ bundle, decision }: Planned): void {
    const { logger, health, metrics } = this.#options;
    const { dropped } = bundle;
    metrics.trusted(bundle);
    if (this.#changes.isNew('dropped', dropped.join('; ')) && dropped.length > 0) {
      const remedy =
        'none for an expired root; for one that is not valid yet compare the clocks; otherwise check GET /v1/agent/connect/ca/roots';
      logger.warn({ dropped, remedy }, 'excluded CA roots from the trust bundle');
    }
    const isDeferred = decision.kind === 'keep' && decision.bundle.kind === 'defer';
    const until = isDeferred ? decision.bundle.until : undefined;
    health.setTrustBundle(bundle, until);
    if (until !== undefined && this.#changes.isNew('deferred', until)) {
      logger.info(
        { ...this.#target, until: new Date(until).toISOString() },
        'deferred the new trust bundle until the new leaf, because the new root is cross-signed',
      );
    }
  }

  #wrote(decision: Replace | Keep): void {
    const { clock, logger, metrics, eventLog } = this.#options;
    const { identity } = decision.content;
    const cause = causeOf(decision);
    const reason = describeCause(cause);
    metrics.wrote('identity', cause.reason, clock.now());
    eventLog.record({ reason: 'Published', at: clock.now(), message: reason });
    logger.info(
      {
        ...this.#target,
        leaf: decision.kind === 'replace',
        bundle:
          decision.kind === 'replace' ? decision.bundle === 'updated' : decision.bundle.kind === 'update',
        reason,
        spiffeId: identity.spiffeId.uri,
        serial: identity.leaf.serialNumber,
        notAfter: new Date(identity.notAfter).toISOString(),
      },
      'published the identity',
    );
    if (decision.kind === 'replace') this.#trustDomainChanged(decision);
  }

  /** Consul's CA has been replaced: Consul was reinstalled, or another server answers. */
  #trustDomainChanged({ formerTrustDomain: from, content }: Replace): void {
    if (from === undefined) return;
    const { clock, logger, metrics, eventLog } = this.#options;
    const { trustDomain: to } = content.identity.spiffeId;
    const message = `the trust domain changed from ${from} to ${to}`;
    const remedy = TRUST_DOMAIN_REMEDY;
    metrics.trustDomainChanged();
    eventLog.record({ reason: 'TrustDomainChanged', at: clock.now(), message, remedy });
    logger.warn({ ...this.#target, from, to, remedy }, 'the trust domain of the published identity changed');
  }

  #identity(outcome: IdentityOutcome): void {
    const { health, metrics } = this.#options;
    if (outcome.kind === 'failed') health.setProblem('identity', outcome.error);
    else health.clearProblem('identity');
    if (outcome.kind === 'published') {
      health.setPublished(outcome.identity);
      metrics.published(outcome.identity);
      this.#expiring(outcome.identity);
    }
    if (outcome.kind === 'unpublished') {
      metrics.unpublished();
      health.setUnpublished(outcome.reason);
    }
  }

  /** Reported once per leaf, when its remaining lifetime makes the daemon unready. */
  #expiring(identity: Identity): void {
    const { clock, logger, eventLog } = this.#options;
    const at = clock.now();
    if (lifetimeLeft(identity, at) >= UNREADY_BELOW) return;
    if (!this.#changes.isNew('expiring', identity.leaf.serialNumber)) return;
    const notAfter = new Date(identity.notAfter).toISOString();
    const remedy = EXPIRING_REMEDY;
    eventLog.record({ reason: 'Expiring', at, message: `the published leaf expires at ${notAfter}`, remedy });
    logger.error({ ...this.#target, notAfter, remedy }, 'the published leaf is about to expire');
  }

  #wroteService(): void {
    const { clock, logger, metrics, target } = this.#options;
    if (target.kind === 'directory') {
      logger.info(this.#target, 'reloaded the gateway');
      return;
    }
    metrics.wrote('service', 'repair', clock.now());
    logger.info({ service: this.#target['service'] }, 'published the TLSContext');
  }

  #service(outcome: ServiceOutcome): void {
    const { health } = this.#options;
    if (outcome.kind === 'failed') health.setProblem('service', outcome.error);
    if (outcome.kind === 'published') health.clearProblem('service');
    if (outcome.kind === 'rate-limited') {
      health.setProblem(
        'service',
        new PublishError('KUBERNETES_CONFLICT', 'another writer keeps modifying the Service', {
          remedy: CONFLICTING_WRITER_REMEDY,
        }),
      );
    }
  }
}

function queryName(query: Subject): string {
  return `query ${query}`;
}

function watchOf(object: string): `watch ${string}` {
  return `watch ${object}`;
}
