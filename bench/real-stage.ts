import { makeAuthority } from '../test/fixtures/servers/authority.ts';
import { makeWorld, type OwnWorld } from '../test/real/world.ts';
import { Sightings, type Stage } from './stage.ts';

/** The real Consul and the real API server. What the API server stored is seen by a watch of the administrator's. */
export class RealStage implements Stage {
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Sightings;
  readonly #world: OwnWorld;
  readonly #end: () => Promise<void>;

  private constructor(
    world: OwnWorld,
    env: Record<string, string>,
    secrets: Sightings,
    end: () => Promise<void>,
  ) {
    this.#world = world;
    this.env = env;
    this.secrets = secrets;
    this.#end = end;
  }

  static async start(): Promise<RealStage> {
    const world = makeWorld();
    await world.start();
    const secrets = new Sightings();
    const recording = await world.record('ambassador-consul-connect', ({ data }) => secrets.saw(data));
    await world.consul.leaf('ambassador');
    return new RealStage(world, await world.environment(), secrets, async () => {
      await recording.stop();
      await world.stop();
    });
  }

  /** A rotation to a root made before: Consul tells a query of our own in the same instant as the subject's. */
  async change(): Promise<{ at: number; rootPem: string }> {
    const { consul } = this.#world;
    const { TrustDomain } = await consul.roots();
    const next = await makeAuthority(`Bench ${crypto.randomUUID().slice(0, 8)}`, TrustDomain);
    const path = '/v1/agent/connect/ca/roots';
    const { headers } = await consul.get(path);
    const heard = consul
      .get(`${path}?index=${headers['x-consul-index']}&wait=30s`)
      .then(() => performance.now());
    const current = await consul.mustGet<{ Config: Record<string, unknown> }>('/v1/connect/ca/configuration');
    await consul.mustPut('/v1/connect/ca/configuration', {
      Provider: 'consul',
      Config: { ...current.Config, PrivateKey: next.privateKey, RootCert: next.certificate },
    });
    return { at: await heard, rootPem: next.certificate };
  }

  async clear(): Promise<void> {
    await this.#world.kubectl(['delete', 'secret,service', '--all', '--ignore-not-found']);
  }

  async close(): Promise<void> {
    await this.#end();
  }
}
