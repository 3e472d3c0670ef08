import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { startDaemon } from '../../test/e2e/support/daemon.ts';
import { binary } from '../../test/fixtures/servers/binaries.ts';
import type { OwnWorld, World } from '../../test/real/world.ts';
import type { Publication } from './publications.ts';

/** A program that publishes, as the time line handles it. */
export interface Publishing {
  /** SIGKILL. */
  kill(): Promise<void>;
  output(): string;
}

export type SubjectName = 'connector' | 'old';
export type Environment = Readonly<Record<string, string>>;

/** Every program that publishes the identity: the main one, and one for each further publication. */
export async function makeSubjects(
  name: SubjectName,
  world: OwnWorld,
  identity: string,
  publications: readonly Publication[],
) {
  const CONSUL_HTTP_TOKEN = await world.consul.makeToken(`service "${identity}" { policy = "write" }`);
  const main = { ...(await environmentOf(name, world)), CONSUL_HTTP_TOKEN };
  let running: Publishing[] = [];
  let ended = '';
  const output = () => running.map((subject) => subject.output().slice(-20_000)).join('\n----\n');

  function start(further: readonly Publication[]): void {
    running.push(startSubject(name, main));
    for (const { environment } of further)
      running.push(startSubject('connector', { ...environment, CONSUL_HTTP_TOKEN }));
  }

  return {
    startAll: () => start(publications),
    /** One more of each that may have a second one. */
    startReplicas: () => start(publications.filter(({ allowsReplicas }) => allowsReplicas)),
    async kill() {
      await Promise.all(running.map((subject) => subject.kill()));
      ended += output();
      running = [];
    },
    output: () => ended + output(),
  };
}

/** The variables of a subject: its account in Kubernetes, and the addresses. */
export async function environmentOf(name: SubjectName, world: World): Promise<Environment> {
  if (name === 'connector') {
    await world.kubectl(['apply', '-k', `${world.k8s}/overlays/verify-upstream`]);
    return { ...(await world.environment()), _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
  }
  await world.kubectl(['apply', '-f', '-'], OLD_PROGRAM_RIGHTS);
  return { ...(await world.environment('old-program')), KUBECTL: binary('KUBECTL') };
}

export function startSubject(name: SubjectName, environment: Environment): Publishing {
  if (name === 'old') return startOldProgram(environment);
  const daemon = startDaemon(environment);
  return {
    kill: async () => {
      await daemon.stop('SIGKILL');
    },
    output: () => daemon.stdout + daemon.stderr,
  };
}

/** The rights that kubectl apply needs; the connector's Role lacks `get`. */
const OLD_PROGRAM_RIGHTS = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: old-program }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: old-program }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [get, create, patch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: old-program }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: old-program }
subjects: [{ kind: ServiceAccount, name: old-program }]
`;

const OLD_PROGRAM = new URL('../old-program.ts', import.meta.url).pathname;
/** As the kubelet restarts a container that exited: after ten seconds, twice as long each time, at most five minutes. */
const FIRST_RESTART_MS = 10_000;
const MAX_RESTART_MS = 300_000;

function startOldProgram(environment: Environment): Publishing {
  const { PATH = '', HOME = '' } = process.env;
  let output = '';
  let restartMs = FIRST_RESTART_MS;
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let killed = false;

  function start(): void {
    child = spawn(process.execPath, ['--import', 'tsx', OLD_PROGRAM], {
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('exit', () => {
      if (killed) return;
      restart = setTimeout(start, restartMs);
      restartMs = Math.min(MAX_RESTART_MS, restartMs * 2);
    });
  }
  start();
  const killOnExit = () => child?.kill('SIGKILL');
  process.once('exit', killOnExit);

  return {
    async kill() {
      killed = true;
      clearTimeout(restart);
      process.off('exit', killOnExit);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    output: () => output,
  };
}
