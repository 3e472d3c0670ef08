import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuthority } from '../test/fixtures/servers/authority.ts';
import { type RealConsul, startRealConsul } from '../test/fixtures/servers/real-consul.ts';
import type { Place } from './place.ts';
import type { Sightings } from './sightings.ts';
import type { Change, Stage } from './stage.ts';

/** It runs in the machine's time, and the connector queries at most once per second. */
const REST_MS = 1_100;

/** The real Consul, and a place. */
export class RealStage implements Stage {
  readonly env: Readonly<Record<string, string>>;
  readonly #consul: RealConsul;
  readonly #place: Place;

  private constructor(consul: RealConsul, place: Place) {
    this.#consul = consul;
    this.#place = place;
    const { host, port } = consul.address;
    this.env = { _CONSUL_HOST: host, _CONSUL_PORT: String(port), ...place.env };
  }

  static async at(place: Place): Promise<RealStage> {
    const consul = await startRealConsul();
    await consul.leaf('ambassador');
    return new RealStage(consul, place);
  }

  get secrets(): Sightings {
    return this.#place.secrets;
  }

  /**
   * A rotation to a prepared root: Consul answers our own query at the same moment as the subject's. Its agent takes up to half a
   * minute to fetch the new leaf, so a change counts as visible once the root is.
   */
  async change(): Promise<Change> {
    const consul = this.#consul;
    const { TrustDomain } = await consul.roots();
    const next = await makeAuthority(`Bench ${crypto.randomUUID().slice(0, 8)}`, TrustDomain);
    const path = '/v1/agent/connect/ca/roots';
    const { headers } = await consul.get(path);
    const answered = consul
      .get(`${path}?index=${headers['x-consul-index']}&wait=30s`)
      .then(() => performance.now());
    const current = await consul.mustGet<{ Config: Record<string, unknown> }>('/v1/connect/ca/configuration');
    await consul.mustPut('/v1/connect/ca/configuration', {
      Provider: 'consul',
      Config: { ...current.Config, PrivateKey: next.privateKey, RootCert: next.certificate },
    });
    return { at: await answered, rootPem: next.certificate, leafPem: undefined };
  }

  async waiting(): Promise<void> {
    await sleep(REST_MS);
  }

  clear(): Promise<void> {
    return this.#place.clear();
  }

  async close(): Promise<void> {
    await Promise.all([this.#consul.stop(), this.#place.close()]);
  }
}
