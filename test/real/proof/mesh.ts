import { startSidecar } from '../../fixtures/servers/sidecar.ts';
import type { OwnWorld } from '../world.ts';
import type { Upstream } from './envoys.ts';

export const IDENTITY = 'ambassador';
const SERVICES = ['quote', 'stock'];
/** Short enough that 30 % are left within a minute. Consul dates a leaf back by a minute. */
export const SHORT_LEAF = '150s';
export const LONG_LEAF = '72h';

/** What ends all that was started, the last first. */
export type Stops = (() => Promise<unknown>)[];

/** The services of the mesh, each behind a sidecar that lets the gateway in and nobody else. */
export async function startServices({ consul }: OwnWorld, stops: Stops): Promise<readonly Upstream[]> {
  const services: Upstream[] = [];
  for (const service of SERVICES) {
    const sidecar = await startSidecar(consul, service);
    stops.push(() => sidecar.stop());
    services.push({ name: service, port: sidecar.publicPort, plainPort: sidecar.plainPort });
    await consul.intend('allow', IDENTITY, service);
  }
  return services;
}

/** Below an hour Consul takes a lifetime only unchecked, and then signs a new leaf for every query. */
export async function setLeafTtl({ consul }: OwnWorld, ttl: string): Promise<void> {
  const current = await consul.mustGet<{ Config: Record<string, unknown> }>('/v1/connect/ca/configuration');
  await consul.mustPut('/v1/connect/ca/configuration', {
    Provider: 'consul',
    Config: { ...current.Config, LeafCertTTL: ttl, SkipValidate: ttl === SHORT_LEAF },
  });
}
