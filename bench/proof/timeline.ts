import type { X509Certificate } from 'node:crypto';
import type { Stage } from './stage.ts';

/** An event of the time line, and its expected writes. */
export interface ProofEvent {
  readonly name: string;
  /** Writes of both Secrets by the connector, by the API server's audit log: roots are in both, the leaf in one. */
  readonly writes: number;
  /** Writes of the Secret, or of the folder, by a connector that does not verify the upstream. */
  readonly writesByDefault: number;
  /** Why the mesh itself rejects all clients meanwhile, if so. */
  readonly note?: string;
  run(stage: Stage): Promise<void>;
}

/** Consul delays the leaf after a rotation by up to 30 s, the sidecars' as well as the gateway's. */
const LEAVES_FOLLOW_S = 38;
const LEAF_LATEST_S = 90;
const NO_WRITES = { writes: 0, writesByDefault: 0 };
const SIDECAR_NEEDS_CONSUL = {
  note: 'a sidecar has each new connection authorized by Consul, and rejects it when Consul does not answer',
};

const STEADY: ProofEvent = { name: 'steady', ...NO_WRITES, run: (stage) => stage.seconds(15) };

const RENEWAL: ProofEvent = {
  name: 'the leaf renews',
  writes: 1,
  writesByDefault: 1,
  async run(stage) {
    const isRenewed = async () => (await stage.leaves()).every((leaf) => lifetimeHours(leaf) > 1);
    await stage.until(async () => (await isRenewed()) && (await stage.presented()), LEAF_LATEST_S);
    await stage.seconds(5);
  },
};

const CONNECTOR_KILLED: ProofEvent = {
  name: 'connector killed, started again',
  ...NO_WRITES,
  async run(stage) {
    await stage.killSubjects();
    await stage.seconds(3);
    stage.startSubject();
    await stage.seconds(9);
  },
};

const AGENT_RESTARTS: ProofEvent = {
  name: 'Consul agent restarts',
  ...NO_WRITES,
  ...SIDECAR_NEEDS_CONSUL,
  async run(stage) {
    await stage.world.consul.restart();
    await stage.seconds(15);
  },
};

const rotation = (crossSign: boolean): ProofEvent => ({
  name: `root rotates, ${crossSign ? '' : 'not '}cross-signed`,
  writes: crossSign ? 2 : 3,
  writesByDefault: 2,
  run: (stage) => rotate(stage, crossSign),
});

const twoConnectors = (crossSign: boolean): ProofEvent => ({
  ...rotation(crossSign),
  name: `two connectors, root rotates${crossSign ? '' : ', not cross-signed'}`,
  async run(stage) {
    stage.startReplica();
    await stage.seconds(5);
    await rotate(stage, crossSign);
  },
});

const consulDown = (downSeconds: number): ProofEvent => ({
  name: `Consul is down for ${downSeconds} s`,
  ...NO_WRITES,
  ...SIDECAR_NEEDS_CONSUL,
  async run(stage) {
    await stage.world.consul.kill();
    await stage.seconds(downSeconds);
    await stage.world.consul.restart();
    await stage.seconds(15);
  },
});

const apiServerDown = (downSeconds: number): ProofEvent => ({
  name: `API server is down for ${downSeconds} s`,
  ...NO_WRITES,
  async run(stage) {
    await stage.world.kubernetes.stopApiServer();
    await stage.seconds(downSeconds);
    await stage.world.kubernetes.startApiServer();
    await stage.seconds(5);
  },
});

/**
 * An agent of Consul 1.8 hands out the new leaf in time only for the first rotation after its start, so one starts
 * between any two.
 *
 * @param downSeconds how long Consul, and the API server, are down
 */
export function timeline(downSeconds: number): readonly ProofEvent[] {
  return [
    STEADY,
    RENEWAL,
    rotation(true),
    CONNECTOR_KILLED,
    AGENT_RESTARTS,
    rotation(false),
    consulDown(downSeconds),
    apiServerDown(downSeconds),
    twoConnectors(true),
  ];
}

/** The same kinds of events in two thirds of the time. */
export function shortTimeline(downSeconds: number): readonly ProofEvent[] {
  return [
    RENEWAL,
    rotation(true),
    CONNECTOR_KILLED,
    consulDown(downSeconds),
    twoConnectors(false),
    apiServerDown(downSeconds),
  ];
}

async function rotate(stage: Stage, crossSign: boolean): Promise<void> {
  const serials = async () => (await stage.leaves()).map(({ serialNumber }) => serialNumber);
  const before = await serials();
  await stage.world.consul.rotateRoot({ crossSign });
  await stage.seconds(LEAVES_FOLLOW_S);
  await stage.until(
    async () => (await serials()).every((serial) => !before.includes(serial)) && (await stage.presented()),
    LEAF_LATEST_S - LEAVES_FOLLOW_S,
  );
}

function lifetimeHours({ validFrom, validTo }: X509Certificate): number {
  return (Date.parse(validTo) - Date.parse(validFrom)) / 3_600_000;
}
