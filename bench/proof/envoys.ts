import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '../../test/fixtures/servers/envoy/control-plane.ts';
import { type Counters, type HeldCluster, startEnvoy } from '../../test/fixtures/servers/envoy/envoy.ts';
import { folderConfiguration } from '../../test/fixtures/servers/envoy/folder.ts';
import type { Resource } from '../../test/fixtures/servers/envoy/resources.ts';
import { freePort } from '../../test/fixtures/servers/ports.ts';
import type { RealConsul } from '../../test/fixtures/servers/real-consul.ts';
import type { RealKubernetes } from '../../test/fixtures/servers/real-kubernetes.ts';
import { type EnvoyName, type Target, through } from './load.ts';
import type { FolderPublication } from './publications.ts';
import { type Sighting, startWitness, WITNESS } from './witness.ts';

/** A service of the mesh, as the gateways reach it. */
export interface Upstream {
  readonly name: string;
  /** The sidecar's. */
  readonly port: number;
  /** The service's own, without TLS. */
  readonly plainPort: number;
}

/** One Envoy, with a witness as a further upstream. */
export interface EnvoyOnStage {
  readonly name: EnvoyName;
  readonly targets: readonly Target[];
  /** Which leaves it has presented, and since when. */
  readonly sightings: readonly Sighting[];
  readonly clusters: number;
  /** When it was given a configuration, in milliseconds since the epoch. */
  readonly pushes: readonly number[];
  /** The leaf that is published for it. */
  leaf(): Promise<X509Certificate | undefined>;
  counters(): Promise<Counters>;
  heldClusters(): Promise<readonly HeldCluster[]>;
  faults(): readonly string[];
  output(): string;
  stop(): Promise<void>;
}

const CONTROL = 'control';
const TLS_CONTEXT = 'ambassador-consul';

export interface EnvoyPlan {
  readonly name: EnvoyName;
  readonly consul: RealConsul;
  readonly upstreams: readonly Upstream[];
}

/** Where an Envoy sends `/<service>`: with TLS, but for the control. */
interface Route {
  readonly service: string;
  readonly port: number;
  readonly hasTls: boolean;
}

interface Source {
  readonly configuration: Resource;
  readonly pushes: readonly number[];
  certificate(): Promise<string | undefined>;
  faults(): readonly string[];
  stop(): Promise<void>;
}

/** Envoy as Emissary configures it, from the Secrets of a namespace. */
export function startEnvoyOfEmissary(
  plan: EnvoyPlan,
  kubernetes: RealKubernetes,
  namespace: string,
): Promise<EnvoyOnStage> {
  return start(plan, async (port, routes, stops) => {
    const folder = await mkdtemp(join(tmpdir(), 'envoy-files-'));
    stops.push(() => rm(folder, { recursive: true, force: true }));
    const mappings = routes.map(({ hasTls, ...route }) => ({
      ...route,
      tls: hasTls ? TLS_CONTEXT : undefined,
    }));
    const plane = await startControlPlane({ kubernetes, namespace, folder, port, mappings });
    return {
      configuration: { dynamic_resources: plane.dynamicResources },
      pushes: plane.pushes,
      certificate: async () => plane.certificate(),
      faults: plane.faults,
      stop: plane.stop,
    };
  });
}

/** Envoy as it reads the folder by itself. */
export function startEnvoyOfFolder(plan: EnvoyPlan, publication: FolderPublication): Promise<EnvoyOnStage> {
  return start(plan, async (port, routes) => {
    const { TrustDomain } = await plan.consul.roots();
    const prefix = `spiffe://${TrustDomain}/ns/default/dc/${plan.consul.datacenter}/svc`;
    const upstreams = routes.map(({ hasTls, ...route }) => ({
      ...route,
      spiffeId: hasTls ? `${prefix}/${route.service}` : undefined,
    }));
    return {
      configuration: folderConfiguration(publication.directory, port, upstreams),
      pushes: [],
      certificate: publication.certificate,
      faults: () => [],
      stop: async () => undefined,
    };
  });
}

type Stops = (() => Promise<unknown>)[];

async function start(
  { name, consul, upstreams }: EnvoyPlan,
  makeSource: (port: number, routes: readonly Route[], stops: Stops) => Promise<Source>,
): Promise<EnvoyOnStage> {
  const stops: Stops = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const witness = await startWitness(consul);
    stops.push(() => witness.stop());
    const services = [...upstreams, { name: WITNESS, port: witness.port }];
    const [controlled] = upstreams;
    if (controlled === undefined) throw new Error('there is no service for the control');
    const port = await freePort();
    const routes = [
      ...services.map((each) => ({ service: each.name, port: each.port, hasTls: true })),
      { service: CONTROL, port: controlled.plainPort, hasTls: false },
    ];
    const source = await makeSource(port, routes, stops);
    stops.push(() => source.stop());
    const envoy = await startEnvoy(port, source.configuration);
    stops.push(() => envoy.stop());
    return {
      name,
      targets: [
        ...services.map((each) => through(name, port, each.name)),
        // Its service is the Envoy that it goes through.
        { ...through('envoy control', port, controlled.name, CONTROL), service: name },
      ],
      sightings: witness.sightings,
      clusters: services.length,
      pushes: source.pushes,
      async leaf() {
        const certificate = await source.certificate();
        return certificate === undefined ? undefined : new X509Certificate(certificate);
      },
      counters: envoy.counters,
      heldClusters: envoy.heldClusters,
      faults: () => [
        ...source.faults(),
        ...envoy
          .output()
          .split('\n')
          .filter((line) => /\[(error|critical)\]|rejected/.test(line)),
      ],
      output: envoy.output,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
