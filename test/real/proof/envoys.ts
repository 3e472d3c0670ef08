import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mapping, startControlPlane } from '../../fixtures/servers/envoy/control-plane.ts';
import { type Counters, type HeldCluster, startEnvoy } from '../../fixtures/servers/envoy/envoy.ts';
import { folderConfiguration } from '../../fixtures/servers/envoy/folder.ts';
import type { Resource } from '../../fixtures/servers/envoy/resources.ts';
import { ask } from '../../fixtures/servers/http.ts';
import { freePort } from '../../fixtures/servers/ports.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import type { RealKubernetes } from '../../fixtures/servers/real-kubernetes.ts';
import { checkAnswer } from './answer.ts';
import type { EnvoyName, Target } from './load.ts';
import type { FolderPublication } from './publications.ts';
import { type Sighting, startWitness, WITNESS, type Witness } from './witness.ts';

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
  return start(plan, async ({ folder, port, witness }) => {
    const mappings = [
      ...routes(plan, witness).map((each): Mapping => ({ ...each, tls: TLS_CONTEXT })),
      ...control(plan).map((each): Mapping => ({ ...each, tls: undefined })),
    ];
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
  return start(plan, async ({ port, witness }) => {
    const { TrustDomain } = await plan.consul.roots();
    const upstreams = [
      ...routes(plan, witness).map((each) => ({
        ...each,
        spiffeId: `spiffe://${TrustDomain}/ns/default/dc/${plan.consul.datacenter}/svc/${each.service}`,
      })),
      ...control(plan).map((each) => ({ ...each, spiffeId: undefined })),
    ];
    return {
      configuration: folderConfiguration(publication.directory, port, upstreams),
      pushes: [],
      certificate: publication.certificate,
      faults: () => [],
      stop: async () => undefined,
    };
  });
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly witness: Witness;
}

async function start(plan: EnvoyPlan, makeSource: (place: Place) => Promise<Source>): Promise<EnvoyOnStage> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), 'envoy-files-'));
    stops.push(() => rm(folder, { recursive: true, force: true }));
    const witness = await startWitness(plan.consul);
    stops.push(() => witness.stop());
    const port = await freePort();
    const source = await makeSource({ folder, port, witness });
    stops.push(() => source.stop());
    const envoy = await startEnvoy(port, source.configuration);
    stops.push(() => envoy.stop());
    const target = (client: Target['client'], path: string, service: string, answers: string): Target => ({
      client,
      service,
      send: async () => checkAnswer(await ask(`http://127.0.0.1:${port}/${path}`), answers),
    });
    return {
      name: plan.name,
      targets: [
        ...routes(plan, witness).map(({ service }) => target(plan.name, service, service, service)),
        // Told apart by the Envoy it goes through.
        ...control(plan).map(({ answers }) => target('envoy control', CONTROL, plan.name, answers)),
      ],
      sightings: witness.sightings,
      clusters: routes(plan, witness).length,
      pushes: source.pushes,
      async leaf() {
        const certificate = await source.certificate();
        return certificate === undefined ? undefined : new X509Certificate(certificate);
      },
      counters: envoy.counters,
      heldClusters: envoy.heldClusters,
      faults: () => [...source.faults(), ...envoy.output().split('\n').filter(isFault)],
      output: envoy.output,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function routes({ upstreams }: EnvoyPlan, witness: Witness): { service: string; port: number }[] {
  return [
    ...upstreams.map(({ name, port }) => ({ service: name, port })),
    { service: WITNESS, port: witness.port },
  ];
}

function control({ upstreams }: EnvoyPlan): { service: string; port: number; answers: string }[] {
  return upstreams.slice(0, 1).map(({ name, plainPort }) => ({
    service: CONTROL,
    port: plainPort,
    answers: name,
  }));
}

function isFault(line: string): boolean {
  return /\[(error|critical)\]|rejected/.test(line);
}
