import { describeCause, type WriteCause } from '../../identity/policy/decision.ts';
import type { Content, Published } from '../../identity/published.ts';
import type { Clock } from '../../lib/clock.ts';
import { LAST_APPLIED } from '../annotations.ts';
import {
  type Manifests,
  type ObjectNames,
  SERIAL_NUMBER,
  type SecretManifest,
  type ServiceManifest,
  secretManifests,
  serviceManifest,
} from '../manifests.ts';
import type { Preview, Publication, PublishedEvent, PublishObserver, WriteOutcome } from '../publisher.ts';
import type { KubernetesTarget } from '../target.ts';
import {
  preserveWriteRecord,
  rootsIndexIn,
  type WriteRecord,
  withAnnotations,
  writesIn,
} from '../write-record.ts';
import { assertAdoptable, assertServiceAdoptable } from './adoption.ts';
import type { KubernetesClient, ObjectRef } from './api/client.ts';
import { describeObject } from './api/errors.ts';
import type { KubernetesObject } from './api/object.ts';
import { holdsData, keepClusterIp } from './drift.ts';
import { EventRecorder } from './events/recorder.ts';
import { ObjectCache } from './object-cache.ts';
import { ObjectWriter } from './object-writer.ts';
import { secretUrgency, serviceUrgency } from './urgency.ts';
import { WriteLimiter } from './write-limiter.ts';

export interface KubernetesPublisherOptions {
  readonly client: KubernetesClient;
  readonly names: ObjectNames;
  readonly target: KubernetesTarget;
  /** False if the user maintains a TLSContext resource. */
  readonly serviceEnabled: boolean;
  /** Of the TLSContext. */
  readonly apiVersion: string;
  readonly clock: Clock;
  readonly observer: PublishObserver;
  /** The name of the replica: in a Pod, the name of the Pod. */
  readonly instance: string;
}

const SERVICE_CAUSE: WriteCause = { reason: 'repair', detail: 'the Service was missing or modified' };

/** A Secret and its wanted manifest. */
interface PlannedSecret {
  readonly cache: ObjectCache;
  readonly manifest: SecretManifest;
}

/** Publishes to a Secret, and to a Service whose annotation Ambassador reads. The API server decides races. */
export class KubernetesPublisher implements Preview {
  readonly target: KubernetesTarget;
  readonly #options: KubernetesPublisherOptions;
  readonly #secret: ObjectCache;
  /** The roots with which the gateway verifies its peers, if it does. */
  readonly #upstreamCa: ObjectCache | undefined;
  readonly #service: ObjectCache;
  readonly #writer: ObjectWriter;
  readonly #events: EventRecorder;
  /** Created once: rendering it takes as long as a decision. */
  readonly #serviceManifest: ServiceManifest;
  #onChange: () => void = () => undefined;

  constructor(options: KubernetesPublisherOptions) {
    const { client, clock, names, observer, instance } = options;
    this.#options = options;
    this.target = options.target;
    this.#serviceManifest = serviceManifest(names, options.apiVersion);
    const limiter = new WriteLimiter({
      clock,
      onLimited: ({ ref }, retryMs) => observer.rateLimited(describeObject(ref), retryMs),
      onRetry: () => this.#onChange(),
    });
    this.#writer = new ObjectWriter({ client, limiter, observer });
    const cacheOf = (ref: ObjectRef): ObjectCache => new ObjectCache({ client, clock, observer, ref });
    const secret = (name: string): ObjectCache =>
      cacheOf({ resource: 'secrets', namespace: names.secretNamespace, name });
    this.#secret = secret(names.secret);
    this.#upstreamCa = names.upstreamCaSecret === undefined ? undefined : secret(names.upstreamCaSecret);
    this.#service = cacheOf({ resource: 'services', namespace: names.serviceNamespace, name: names.service });
    const onFailure = (error: unknown): void => observer.eventFailed(error);
    this.#events = new EventRecorder({ client, secret: this.#secret, clock, onFailure, instance });
  }

  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    let onKnown = (): void => undefined;
    const known = new Promise<void>((resolve) => {
      onKnown = resolve;
    });
    const secret = this.#secret.run(() => {
      onKnown();
      onChange();
    }, signal);
    // The Secret first: decisions do not wait for the others, which open connections of their own.
    await Promise.race([known, secret]);
    const others = [this.#upstreamCa, this.#options.serviceEnabled ? this.#service : undefined];
    await Promise.all([secret, ...others.map((cache) => cache?.run(onChange, signal))]);
  }

  async read(signal: AbortSignal): Promise<Published | undefined> {
    const secret = await this.#secret.current(signal);
    if (secret === undefined) return undefined;
    const upstreamCa = await this.#upstreamCa?.current(signal);
    return {
      certificatePem: text(secret, 'tls.crt') ?? '',
      privateKeyPem: text(secret, 'tls.key') ?? '',
      caPem: text(secret, 'ca.crt'),
      upstreamCaPem: upstreamCa === undefined ? undefined : text(upstreamCa, 'tls.crt'),
      rootsIndex: rootsIndexIn(secret.annotations),
      writtenSerial: secret.annotations[SERIAL_NUMBER],
      writes: writesIn(secret.annotations),
      upstreamRootsIndex: upstreamCa === undefined ? undefined : rootsIndexIn(upstreamCa.annotations),
    };
  }

  async write(publication: Publication, signal: AbortSignal): Promise<WriteOutcome> {
    const record = writeRecord(publication, new Date(this.#options.clock.now()).toISOString());
    const outcomes: WriteOutcome[] = [];
    for (const { cache, manifest } of this.#planned(publication.content)) {
      const current = await cache.current(signal);
      const write = {
        manifest: recorded(current, manifest, record),
        urgency: secretUrgency(current, publication.cause),
        onConfirmed: () => {
          if (cache === this.#secret) this.#options.observer.confirmed('identity', publication.cause);
        },
      };
      const outcome = await this.#writer.ensure(cache, current, write, signal);
      outcomes.push(outcome);
      if (outcome === 'conflict' || outcome === 'rate-limited') return combine(outcomes);
    }
    outcomes.push(await this.#removeLastApplied(signal));
    return combine(outcomes);
  }

  async #removeLastApplied(signal: AbortSignal): Promise<WriteOutcome> {
    const written = await this.#secret.current(signal);
    if (written?.annotations[LAST_APPLIED] === undefined) return 'unchanged';
    return this.#writer.refreshOnConflict(this.#secret, true, signal, async () => {
      const { client, observer } = this.#options;
      const { resourceVersion } = written;
      const change = { metadata: { resourceVersion, annotations: { [LAST_APPLIED]: null } } };
      this.#secret.accept(await client.merge(this.#secret.ref, change, signal));
      observer.annotationRemoved(describeObject(this.#secret.ref), LAST_APPLIED);
      return 'written';
    });
  }

  async publishService(signal: AbortSignal): Promise<WriteOutcome> {
    if (!this.#options.serviceEnabled) return 'unchanged';
    const current = await this.#service.current(signal);
    const write = {
      manifest: this.#serviceFor(current),
      urgency: serviceUrgency(current),
      onConfirmed: () => this.#options.observer.confirmed('service', SERVICE_CAUSE),
    };
    return this.#writer.ensure(this.#service, current, write, signal);
  }

  record(event: PublishedEvent): void {
    this.#events.record(event);
  }

  async manifests(publication: Publication, at: string, signal: AbortSignal): Promise<Manifests> {
    const { names, serviceEnabled } = this.#options;
    const record = writeRecord(publication, at);
    const { upstreamCa, secret } = secretManifests(names, publication.content);
    const currentCa = await this.#upstreamCa?.current(signal);
    return {
      upstreamCa: upstreamCa && recorded(currentCa, upstreamCa, record),
      secret: recorded(await this.#secret.current(signal), secret, record),
      service: serviceEnabled ? this.#serviceFor(await this.#service.current(signal)) : undefined,
    };
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#options.client.close();
  }

  /** @throws PublishError SERVICE_NOT_ADOPTABLE */
  #serviceFor(current: KubernetesObject | undefined): ServiceManifest {
    if (current !== undefined) assertServiceAdoptable(current, this.#serviceManifest);
    return keepClusterIp(this.#serviceManifest, current);
  }

  /** The roots first: a gateway must not have an identity without the roots for verifying its peers. */
  #planned(content: Content): PlannedSecret[] {
    const { upstreamCa, secret } = secretManifests(this.#options.names, content);
    const last = { cache: this.#secret, manifest: secret };
    if (this.#upstreamCa === undefined || upstreamCa === undefined) return [last];
    return [{ cache: this.#upstreamCa, manifest: upstreamCa }, last];
  }
}

/** @throws PublishError SECRET_NOT_ADOPTABLE */
function recorded(
  current: KubernetesObject | undefined,
  manifest: SecretManifest,
  record: WriteRecord,
): SecretManifest {
  if (current !== undefined) assertAdoptable(current, manifest);
  const isDataUnchanged = current !== undefined && holdsData(current, manifest);
  return withAnnotations(manifest, preserveWriteRecord(current?.annotations, isDataUnchanged, record));
}

function writeRecord({ cause, rootsIndex }: Publication, at: string): WriteRecord {
  return { at, reason: describeCause(cause), rootsIndex };
}

function text({ data }: KubernetesObject, key: string): string | undefined {
  const value = data[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

function combine(outcomes: readonly WriteOutcome[]): WriteOutcome {
  if (outcomes.includes('conflict')) return 'conflict';
  // One of the two Secrets may have been written: the decision is not yet fully published.
  if (outcomes.includes('rate-limited')) return 'rate-limited';
  return outcomes.includes('written') ? 'written' : 'unchanged';
}
