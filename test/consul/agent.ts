import type { Clock } from '../../src/clock.ts';
import type { AccessControl } from './acl.ts';
import { type Answer, jsonAnswer, textAnswer } from './answer.ts';
import { type BlockingQuery, blockUntilNewer, type Versioned } from './blocking-query.ts';
import type { Leaf, MeshAuthority } from './mesh-authority.ts';
import { refusals } from './refusals.ts';
import { type ConsulRequest, tokenOf } from './request.ts';
import { leafAnswer, rootsAnswer } from './wire.ts';

export interface Agent {
  readonly mesh: MeshAuthority;
  /** The tokens of the moment; undefined while ACLs are off. */
  readonly acl: () => AccessControl | undefined;
  readonly datacenter: string;
  readonly clock: Clock;
}

/** What a healthy Consul says to a request; `query` is how long to wait with it, or the refusal of its parameters. */
export async function answer(
  agent: Agent,
  request: ConsulRequest,
  query: BlockingQuery | Answer,
): Promise<Answer> {
  const refused = refuse(agent, request);
  if (refused !== undefined) return refused;
  if ('status' in query) return query;
  const { service, target } = request;
  if (service !== undefined) return answerLeaf(agent, request, query, service);
  if (target === 'roots') return answerRoots(agent, request, query);
  if (target === 'leader') return jsonAnswer('127.0.0.1:8300');
  return agent.acl()?.refuseStranger(tokenOf(request)) ?? jsonAnswer(self(agent.datacenter));
}

async function answerRoots(agent: Agent, request: ConsulRequest, query: BlockingQuery): Promise<Answer> {
  const { mesh, clock } = agent;
  await blockUntilNewer(async () => mesh.roots(), query, mesh.changes, clock, request.signal);
  return rootsAnswer(mesh);
}

async function answerLeaf(
  agent: Agent,
  request: ConsulRequest,
  query: BlockingQuery,
  service: string,
): Promise<Answer> {
  const { mesh, clock } = agent;
  const read = async (): Promise<Versioned<Leaf>> => {
    const leaf = await mesh.leaf(service);
    return { index: leaf.index, value: leaf };
  };
  const leaf = await blockUntilNewer(read, query, mesh.changes, clock, request.signal);
  // Once more, since the token may have been revoked while the query waited.
  return refuse(agent, request) ?? leafAnswer(leaf.value);
}

function refuse(agent: Agent, request: ConsulRequest): Answer | undefined {
  const { method, target, query, service } = request;
  if (target === 'other') return refusals.notFound;
  if (method !== 'GET') return textAnswer(405, `method ${method} not allowed`);
  if (query.has('ns')) return refusals.namespacesAreEnterprise;
  if (query.has('partition')) return refusals.partitionsAreEnterprise;
  if ((query.get('dc') ?? agent.datacenter) !== agent.datacenter) return refusals.noPathToDatacenter;
  return service === undefined ? undefined : agent.acl()?.refuseLeaf(tokenOf(request), service);
}

function self(datacenter: string): unknown {
  const Config = {
    Datacenter: datacenter,
    NodeName: 'embedded',
    Server: true,
    Version: '1.8.7',
    Revision: '',
  };
  return {
    Config,
    DebugConfig: { ConnectEnabled: true },
    Member: { Name: 'embedded', Addr: '127.0.0.1' },
  };
}
