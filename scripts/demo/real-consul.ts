import { execFileSync } from 'node:child_process';
import { createRoot } from '../../test/fixtures/certificates/factory.ts';
import { httpRequest } from '../../test/fixtures/servers/http.ts';
import { freePorts } from '../../test/fixtures/servers/ports.ts';
import { startChild } from './child.ts';
import type { DevConsul } from './dev-consul.ts';

const HOST = '127.0.0.1';
const START_DEADLINE_MS = 20_000;
const ROOTS = '/v1/agent/connect/ca/roots';
const CONFIGURATION = '/v1/connect/ca/configuration';

/**
 * Starts `consul agent -dev` on free loopback ports: with Connect, without storage.
 *
 * @throws Error if it does not create a root in time
 */
export async function startRealConsul(program: string, wantedPort: number): Promise<DevConsul> {
  const version = consulVersion(program);
  const [free = 0, server = 0, serf = 0] = await freePorts(3);
  const port = wantedPort === 0 ? free : wantedPort;
  const url = `http://${HOST}:${port}`;
  const agent = startChild(program, agentArguments(version, port, server, serf));
  try {
    await untilItHasARoot(url, agent.exited);
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return {
    kind: 'real',
    description: `consul ${version.join('.')} from PATH (${program})`,
    host: HOST,
    port,
    rotateRoot: () => rotateRoot(url),
    stop: () => agent.stop(),
  };
}

type Version = readonly [major: number, minor: number, patch: number];

/** @throws Error for a version without Connect (before 1.2) */
function consulVersion(program: string): Version {
  const said = execFileSync(program, ['version'], { encoding: 'utf8', timeout: 10_000 });
  const [, major, minor, patch] = /^Consul v(\d+)\.(\d+)\.(\d+)/.exec(said) ?? [];
  const version: Version = [Number(major), Number(minor), Number(patch)];
  if (!(version[0] > 1 || (version[0] === 1 && version[1] >= 2))) {
    throw new Error(`${program} is not Consul 1.2 or newer`);
  }
  return version;
}

function agentArguments(version: Version, port: number, server: number, serf: number): string[] {
  const since114 = version[0] > 1 || version[1] >= 14;
  return [
    'agent',
    '-dev',
    '-node=demo',
    `-bind=${HOST}`,
    `-client=${HOST}`,
    `-http-port=${port}`,
    `-server-port=${server}`,
    `-serf-lan-port=${serf}`,
    '-serf-wan-port=-1',
    '-dns-port=-1',
    '-grpc-port=-1',
    // Older versions do not have this port and reject the key.
    ...(since114 ? ['-hcl=ports { grpc_tls = -1 }'] : []),
  ];
}

async function untilItHasARoot(url: string, exited: Promise<unknown>): Promise<void> {
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const status = await httpRequest(url + ROOTS).then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status === 200) return;
    if (over) throw new Error('`consul agent -dev` ended at once');
    if (performance.now() > deadline) throw new Error('`consul agent -dev` has no CA root yet');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Sets a new root key for Consul's own CA, as an operator would. */
async function rotateRoot(url: string): Promise<void> {
  const { TrustDomain } = JSON.parse((await httpRequest(url + ROOTS)).body);
  const { Config } = JSON.parse((await httpRequest(url + CONFIGURATION)).body);
  const root = await createRoot({ trustDomain: String(TrustDomain) });
  const body = JSON.stringify({
    Provider: 'consul',
    Config: { ...Config, PrivateKey: root.keyPem, RootCert: root.certPem },
  });
  const answer = await httpRequest(url + CONFIGURATION, { method: 'PUT', body });
  if (answer.status !== 200) throw new Error(`Consul did not rotate: ${answer.status} ${answer.body}`);
}
