import type { Stage } from './stage.ts';

/** What happens on the time line, and what is known of it beforehand. */
export interface ProofEvent {
  readonly name: string;
  /** Writes of both Secrets by the connector, by the API server's audit log: roots are in both, the leaf in one. */
  readonly writes: number;
  /** Why the mesh itself lets nobody in meanwhile, if so. */
  readonly note?: string;
  run(stage: Stage): Promise<void>;
}

/** Consul puts off the leaf after a rotation by up to 30 s, the sidecars' as well as the gateway's. */
const LEAVES_FOLLOW_S = 38;
const LEAF_LATEST_S = 90;
const SIDECAR_ASKS =
  'a sidecar asks Consul about each new connection, and refuses it when Consul does not answer';

/** @param downSeconds how long Consul, and the API server, are down */
export function timeline(downSeconds: number): readonly ProofEvent[] {
  return [
    { name: 'steady', writes: 0, run: (stage) => stage.seconds(15) },
    {
      name: 'the leaf renews',
      writes: 1,
      async run(stage) {
        await stage.until(() => lifetimeHours(stage) > 1, LEAF_LATEST_S);
        await stage.seconds(5);
      },
    },
    {
      name: 'root rotates, cross-signed',
      writes: 2,
      run: (stage) => rotate(stage, true),
    },
    {
      name: 'connector killed, started again',
      writes: 0,
      async run(stage) {
        await stage.killSubjects();
        await stage.seconds(3);
        stage.startSubject();
        await stage.seconds(9);
      },
    },
    {
      name: 'Consul agent restarts',
      writes: 0,
      note: SIDECAR_ASKS,
      async run(stage) {
        await stage.world.consul.restart();
        await stage.seconds(15);
      },
    },
    {
      name: 'root rotates, not cross-signed',
      writes: 3,
      run: (stage) => rotate(stage, false),
    },
    {
      name: `Consul is down for ${downSeconds} s`,
      writes: 0,
      note: SIDECAR_ASKS,
      async run(stage) {
        await stage.world.consul.kill();
        await stage.seconds(downSeconds);
        await stage.world.consul.restart();
        await stage.seconds(15);
      },
    },
    {
      name: `API server is down for ${downSeconds} s`,
      writes: 0,
      async run(stage) {
        await stage.world.kubernetes.stopApiServer();
        await stage.seconds(downSeconds);
        await stage.world.kubernetes.startApiServer();
        await stage.seconds(5);
      },
    },
    {
      name: 'two connectors, root rotates',
      writes: 2,
      async run(stage) {
        stage.startSubject();
        await stage.seconds(5);
        await rotate(stage, true);
      },
    },
  ];
}

async function rotate(stage: Stage, crossSign: boolean): Promise<void> {
  const { serialNumber } = stage.leaf();
  await stage.world.consul.rotateRoot({ crossSign });
  await stage.seconds(LEAVES_FOLLOW_S);
  await stage.until(() => stage.leaf().serialNumber !== serialNumber, LEAF_LATEST_S - LEAVES_FOLLOW_S);
}

function lifetimeHours(stage: Stage): number {
  const { validFrom, validTo } = stage.leaf();
  return (Date.parse(validTo) - Date.parse(validFrom)) / 3_600_000;
}
