import type { Logger } from 'pino';
import type { Content, Published } from '../../identity/policy/decide.ts';
import type { Clock } from '../../lib/clock.ts';
import { remember } from '../../lib/remember.ts';
import type { EventLog } from '../../status/event-log.ts';
import {
  type Manifests,
  type ObjectNames,
  type SecretManifest,
  type ServiceManifest,
  secretManifest,
  serviceManifest,
  upstreamCaManifest,
  type WriteRecord,
} from '../manifests.ts';
import type { Preview, Publication, WriteOutcome } from '../publisher.ts';
import type { KubernetesClient } from './api/client.ts';
import type { KubernetesObject } from './api/object.ts';
import { LAST_APPLIED } from './drift.ts';
import { EventRecorder } from './events/recorder.ts';
import { keepClusterIp, preserveWriteRecord } from './keep.ts';
import { ObjectCache, type ObjectCacheOptions } from './object-cache.ts';
import { ObjectWriter } from './object-writer.ts';
import { ServedVersion } from './served-version.ts';

export interface KubernetesPublisherOptions {
  readonly client: KubernetesClient;
  readonly names: ObjectNames;
  /** False where the user keeps a TLSContext resource in Git. */
  readonly serviceEnabled: boolean;
  /** `auto`: from what the cluster serves. */
  readonly apiVersion: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly eventLog: EventLog;
  /** Which replica this is: in a Pod, its name. */
  readonly reporter: string;
  readonly onWatchRestart: ObjectCacheOptions['onRestart'];
  readonly onWatchFollow: ObjectCacheOptions['onFollow'];
}

/** A Secret, and what is to be in it. */
interface WantedSecret {
  readonly watched: ObjectCache;
  manifestOf(occasion: WriteRecord): SecretManifest;
}

/** Publishes to a Secret, and to a Service whose annotation Ambassador reads. The API server decides races. */
export class KubernetesPublisher implements Preview {
  readonly target: Readonly<Record<string, string>>;
  readonly #options: KubernetesPublisherOptions;
  readonly #secret: ObjectCache;
  /** The roots the gateway verifies its peers by, where it is to. */
  readonly #upstreamCa: ObjectCache | undefined;
  readonly #service: ObjectCache;
  /** Undefined where the configuration names the version, or no Service is written. */
  readonly #servedVersion: ServedVersion | undefined;
  readonly #writer: ObjectWriter;
  readonly #events: EventRecorder;
  /** The Service as it is to be, by the version of its TLSContext. */
  readonly #serviceOf: (version: string) => ServiceManifest;
  #onChange: () => void = () => undefined;

  constructor(options: KubernetesPublisherOptions) {
    const { client, clock, logger, names, reporter, eventLog } = options;
    const { onWatchFollow: onFollow, onWatchRestart: onRestart } = options;
    const shared = { client, clock, logger, onFollow, onRestart };
    this.#options = options;
    this.#serviceOf = remember((version) => serviceManifest(names, version), 1);
    this.#writer = new ObjectWriter({ client, clock, logger, eventLog, onOver: () => this.#onChange() });
    const secret = (name: string): ObjectCache =>
      new ObjectCache({ ...shared, ref: { resource: 'secrets', namespace: names.secretNamespace, name } });
    this.#secret = secret(names.secret);
    this.#events = new EventRecorder({ client, secret: this.#secret, clock, logger, reporter });
    eventLog.subscribe((episode) => this.#events.record(episode));
    this.#upstreamCa = names.upstreamCaSecret === undefined ? undefined : secret(names.upstreamCaSecret);
    this.#service = new ObjectCache({
      ...shared,
      ref: { resource: 'services', namespace: names.serviceNamespace, name: names.service },
    });
    const asksVersion = options.apiVersion === 'auto' && options.serviceEnabled;
    this.#servedVersion = asksVersion ? new ServedVersion({ client, clock, logger }) : undefined;
    this.target = {
      kubernetes: client.server,
      secret: `${names.secretNamespace}/${names.secret}`,
      ...(names.upstreamCaSecret === undefined
        ? {}
        : { upstreamCaSecret: `${names.secretNamespace}/${names.upstreamCaSecret}` }),
      ...(options.serviceEnabled ? { service: `${names.serviceNamespace}/${names.service}` } : {}),
    };
  }

  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    this.#onChange = onChange;
    const watched = [
      this.#secret,
      this.#upstreamCa,
      this.#options.serviceEnabled ? this.#service : undefined,
    ];
    await Promise.all([
      ...watched.map((object) => object?.run(onChange, signal)),
      this.#servedVersion?.run(onChange, signal),
    ]);
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
    };
  }

  async write({ content, decision }: Publication, signal: AbortSignal): Promise<WriteOutcome> {
    const occasion = { at: new Date(this.#options.clock.now()).toISOString(), reason: decision.reason };
    const outcomes: WriteOutcome[] = [];
    const { upstreamCa, secret } = this.#wanted(content);
    // The roots first: a gateway must never be given an identity and lack what its peers verify by.
    for (const { watched, manifestOf } of upstreamCa === undefined ? [secret] : [upstreamCa, secret]) {
      const current = await watched.current(signal);
      const manifest = preserveWriteRecord(current, manifestOf, occasion);
      const outcome = await this.#writer.ensure(watched, current, manifest, signal);
      outcomes.push(outcome);
      if (mustWait(outcome)) return strongest(outcomes);
    }
    outcomes.push(await this.#forgetOldKey(signal));
    return strongest(outcomes);
  }

  async #forgetOldKey(signal: AbortSignal): Promise<WriteOutcome> {
    const written = await this.#secret.current(signal);
    if (written?.annotations[LAST_APPLIED] === undefined) return 'unchanged';
    return this.#writer.refreshOnConflict(this.#secret, true, signal, async () => {
      const { client, logger } = this.#options;
      const { resourceVersion } = written;
      const change = { metadata: { resourceVersion, annotations: { [LAST_APPLIED]: null } } };
      this.#secret.accept(await client.merge(this.#secret.ref, change, signal));
      logger.info(
        { secret: this.target['secret'], annotation: LAST_APPLIED },
        'removed the last-applied annotation, which contained an old private key',
      );
      return 'written';
    });
  }

  async publishService(signal: AbortSignal): Promise<WriteOutcome> {
    if (!this.#options.serviceEnabled) return 'unchanged';
    const current = await this.#service.current(signal);
    return this.#writer.ensure(this.#service, current, await this.#serviceManifest(current, signal), signal);
  }

  async manifests({ content, decision }: Publication, at: string, signal: AbortSignal): Promise<Manifests> {
    const occasion = { at, reason: decision.reason };
    const wanted = this.#wanted(content);
    const planned = async ({ watched, manifestOf }: WantedSecret): Promise<SecretManifest> =>
      preserveWriteRecord(await watched.current(signal), manifestOf, occasion);
    return {
      upstreamCa: wanted.upstreamCa && (await planned(wanted.upstreamCa)),
      secret: await planned(wanted.secret),
      service: this.#options.serviceEnabled
        ? await this.#serviceManifest(await this.#service.current(signal), signal)
        : undefined,
    };
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#options.client.close();
  }

  #wanted(content: Content): { upstreamCa: WantedSecret | undefined; secret: WantedSecret } {
    const { names } = this.#options;
    const { upstreamCaSecret } = names;
    const upstreamCa =
      this.#upstreamCa === undefined || upstreamCaSecret === undefined
        ? undefined
        : {
            watched: this.#upstreamCa,
            manifestOf: (at: WriteRecord) => upstreamCaManifest(names, upstreamCaSecret, content, at),
          };
    return {
      upstreamCa,
      secret: { watched: this.#secret, manifestOf: (at) => secretManifest(names, content, at) },
    };
  }

  async #serviceManifest(
    current: KubernetesObject | undefined,
    signal: AbortSignal,
  ): Promise<ServiceManifest> {
    const { apiVersion } = this.#options;
    const version = (await this.#servedVersion?.current(signal)) ?? apiVersion;
    return keepClusterIp(this.#serviceOf(version), current);
  }
}

function text({ data }: KubernetesObject, key: string): string | undefined {
  const value = data[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

function strongest(outcomes: readonly WriteOutcome[]): WriteOutcome {
  if (outcomes.includes('conflict')) return 'conflict';
  // One Secret of two may be written: what is published is then not yet what was decided.
  if (outcomes.includes('rate-limited')) return 'rate-limited';
  return outcomes.includes('written') ? 'written' : 'unchanged';
}

function mustWait(outcome: WriteOutcome): boolean {
  return outcome === 'conflict' || outcome === 'rate-limited';
}
