import { eventually } from '../test/e2e/support/eventually.ts';
import { fastClock, fastTimeOf } from '../test/e2e/support/fast-time.ts';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../test/fixtures/consul/embedded-consul.ts';
import { SightedDouble } from './double-server.ts';
import type { Place } from './place.ts';
import type { Sightings } from './sightings.ts';
import type { Change, Stage } from './stage.ts';

const SERVICE = 'ambassador';
/** The previous root stays listed, as after Consul's rotation; more would make each change more expensive than the last. */
const KEPT_ROOTS = 1;

export interface EmbeddedStageOptions {
  /** The speed of Consul's and the subject's time relative to the machine's. Default 1. */
  readonly speed?: number;
  readonly consul?: EmbeddedConsulOptions;
}

/** The embedded Consul in this process, which is fast enough to hide no differences, and any place. */
export class EmbeddedStage<P extends Place = SightedDouble> implements Stage {
  readonly env: Readonly<Record<string, string>>;
  readonly consul: EmbeddedConsul;
  readonly place: P;

  private constructor(consul: EmbeddedConsul, place: P, env: object) {
    this.consul = consul;
    this.place = place;
    this.env = {
      _CONSUL_HOST: consul.host,
      _CONSUL_PORT: String(consul.port),
      ...place.env,
      ...env,
    };
  }

  /** With a double of an API server. */
  static async start(options: EmbeddedStageOptions = {}): Promise<EmbeddedStage> {
    return EmbeddedStage.at(await SightedDouble.started(options.speed), options);
  }

  static async at<P extends Place>(
    place: P,
    { speed = 1, consul: consulOptions }: EmbeddedStageOptions = {},
  ): Promise<EmbeddedStage<P>> {
    const origin = Date.now();
    const consul = await startEmbeddedConsul({ clock: fastClock(speed, origin), ...consulOptions });
    // The first leaf must be signed, which is not a cost of the subject.
    await consul.leaf(SERVICE);
    return new EmbeddedStage(consul, place, speed === 1 ? {} : fastTimeOf(speed, origin));
  }

  get secrets(): Sightings {
    return this.place.secrets;
  }

  async change(): Promise<Change> {
    const { rootPem, leafPem, rotate } = await this.consul.prepareRotation(SERVICE, KEPT_ROOTS);
    const at = performance.now();
    rotate();
    return { at, rootPem, leafPem };
  }

  async waiting(): Promise<void> {
    const isOpen = () => this.consul.open('roots') > 0 && this.consul.open('leaf') > 0;
    await eventually('the subject waits for both of its answers', isOpen);
  }

  clear(): Promise<void> {
    return this.place.clear();
  }

  async close(): Promise<void> {
    await Promise.all([this.consul.close(), this.place.close()]);
  }
}
