import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { Bed, NAMESPACE } from '../e2e/support/bed.ts';
import { bundle } from '../e2e/support/bundle.ts';
import type { Daemon } from '../e2e/support/daemon.ts';
import { type FastTime, fastClock, fastTimeOf } from '../e2e/support/fast-time.ts';
import { startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { createServerIdentity } from '../fixtures/kubernetes/index.ts';
import { ObservedCluster } from './observed-cluster.ts';
import { mostOf, type Sample, takeSample } from './probe.ts';

/**
 * A leaf has 28 % of its twenty seconds left when it is issued and, since certificates count whole seconds, at most 2.6 s later
 * less than the 15 % below which any later one replaces it. So it can be renewed often, and still does not expire on a slow
 * machine.
 */
const LEAF_TTL_MS = 5_600;
const BACKDATE_MS = 14_400;
/** In the machine's time: a start does not depend on the speed of the clock. */
const STARTS_WITHIN_MS = 60_000;
/** A query that hangs then fails after 16 s of the daemon's time instead of a minute. */
const CONSUL_WAIT = '5s';
const REST_SAMPLES = 5;
const REST_EVERY_MS = 300;
const TOKEN = '6f1c2a90-5b7e-4d5e-9a51-3f0b8c6d7e21';
const LOADED_FIRST = ['code-at-once.mjs', 'probe.mjs'].map((file) => new URL(file, import.meta.url).href);

/** A Consul, a cluster and daemons whose time runs faster than the machine's, each in a process with a probe in it. */
export class SoakBed {
  readonly bed: Bed;
  readonly cluster: ObservedCluster;
  readonly clock: Clock;
  readonly #env: Readonly<Record<string, string>>;
  readonly #probeFile = join(fileURLToPath(new URL('.', `file://${bundle()}`)), 'probe.jsonl');

  private constructor(bed: Bed, cluster: ObservedCluster, clock: Clock, time: FastTime) {
    this.bed = bed;
    this.cluster = cluster;
    this.clock = clock;
    this.#env = {
      ...time,
      CONSUL_HTTP_TOKEN: TOKEN,
      _CONSUL_WAIT: CONSUL_WAIT,
      NODE_OPTIONS: [time.NODE_OPTIONS, ...LOADED_FIRST.map((file) => `--import=${file}`)].join(' '),
    };
  }

  static async start(speed: number): Promise<SoakBed> {
    const origin = Date.now();
    const clock = fastClock(speed, origin);
    const consul = await startEmbeddedConsul({
      clock,
      leafTtlMs: LEAF_TTL_MS,
      backdateMs: BACKDATE_MS,
      acl: { tokens: { [TOKEN]: { serviceWrite: ['ambassador'] } } },
    });
    const cluster = new ObservedCluster(await createServerIdentity(), {});
    await cluster.start();
    const bed = new Bed(consul, cluster, { namespace: NAMESPACE, credentials: 'token-file' });
    return new SoakBed(bed, cluster, clock, fastTimeOf(speed, origin));
  }

  /** A daemon that has read its configuration and runs; it need not have published. */
  async startDaemon(): Promise<Daemon> {
    const daemon = this.bed.start({ ...this.#env, SOAK_PROBE: this.#probeFile });
    await daemon.line('serving status', STARTS_WITHIN_MS);
    return daemon;
  }

  sample(daemon: Daemon): Promise<Sample> {
    return takeSample(daemon.pid, this.#probeFile);
  }

  /** The maximum without faults: two blocking queries, two watches and the connections kept open between writes. */
  async sampleAtRest(daemon: Daemon): Promise<Sample> {
    await daemon.ready();
    const first = await this.sample(daemon);
    const others: Sample[] = [];
    for (let time = 0; time < REST_SAMPLES; time += 1) {
      await systemClock.sleep(REST_EVERY_MS, new AbortController().signal);
      others.push(await this.sample(daemon));
    }
    return mostOf(first, others);
  }

  /** Waits in the daemon's time. */
  pause(ms: number, signal = new AbortController().signal): Promise<void> {
    return this.clock.sleep(ms, signal);
  }
}
