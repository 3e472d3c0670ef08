import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Authority, KeyType } from '../certificates/factory.ts';
import { AccessControl, type AclOptions } from './acl.ts';
import { answer } from './agent.ts';
import type { Answer } from './answer.ts';
import { type BlockingQuery, parseBlockingQuery } from './blocking-query.ts';
import { HttpServer, type TlsOptions } from './http-server.ts';
import { type Leaf, MeshAuthority, type Root, type Rotation } from './mesh-authority.ts';
import { type ConsulRequest, readRequest, type Target } from './request.ts';
import { type Script, sendAnswer, sendFault, type Truth } from './script.ts';

export interface EmbeddedConsulOptions {
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly datacenter?: string;
  /** Default 72 h, as Consul's. A leaf is renewed at 70-80 % of it. Certificates count whole seconds: 2 s is the least. */
  readonly leafTtlMs?: number;
  /** How long before it is issued a leaf becomes valid; by default a minute, as Consul's, or less for short lives. */
  readonly backdateMs?: number;
  readonly rootKeyType?: KeyType;
  readonly leafKeyType?: KeyType;
  readonly clock?: Clock;
  readonly acl?: AclOptions;
  readonly tls?: TlsOptions;
}

const DEFAULT_LEAF_TTL_MS = 72 * 3_600_000;

/** @throws Error when the port is taken */
export async function startEmbeddedConsul(options: EmbeddedConsulOptions = {}): Promise<EmbeddedConsul> {
  const consul = new EmbeddedConsul(options);
  await consul.start();
  return consul;
}

/** A Consul agent for tests and the demo: a real HTTP server over a real CA, with faults on demand. */
export class EmbeddedConsul {
  readonly host: string;
  readonly datacenter: string;
  readonly #options: EmbeddedConsulOptions;
  readonly #clock: Clock;
  readonly #requests: ConsulRequest[] = [];
  readonly #scripts = new Map<Target | 'any', Script>();
  readonly #open = new Set<ConsulRequest>();
  #acl: AccessControl | undefined;
  #mesh: MeshAuthority | undefined;
  #server: HttpServer | undefined;
  #port: number;

  constructor(options: EmbeddedConsulOptions) {
    this.#options = options;
    this.host = options.host ?? '127.0.0.1';
    this.datacenter = options.datacenter ?? 'dc1';
    this.#port = options.port ?? 0;
    this.#clock = options.clock ?? systemClock;
    this.setAcl(options.acl);
  }

  /** Stays the same over `stop` and `start`. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.host}:${this.#port}`;
  }

  /** Every request since the start, the oldest first. */
  get requests(): readonly ConsulRequest[] {
    return this.#requests;
  }

  get trustDomain(): string {
    return this.#ca.trustDomain;
  }

  get activeRoot(): Root {
    return this.#ca.activeRoot;
  }

  get roots(): readonly Root[] {
    return this.#ca.roots().value;
  }

  /** The leaf Consul hands out at present, issued now if nobody has asked before: also for the peers of a test. */
  leaf(service: string): Promise<Leaf> {
    return this.#ca.leaf(service);
  }

  renewLeaf(service: string): Promise<Leaf> {
    return this.#ca.renewLeaf(service);
  }

  rotateRoot(rotation?: Rotation): Promise<Root> {
    return this.#ca.rotateRoot(rotation);
  }

  /** Lists these behind the active root, in place of the inactive ones so far. */
  listInactiveRoots(authorities: readonly Authority[]): void {
    this.#ca.listInactive(authorities);
  }

  /** In milliseconds, of the leaves that are issued from now on. */
  setLeafTtl(ms: number): void {
    this.#ca.leafTtlMs = ms;
  }

  /** How many requests are open: a test waits for one before it changes what the client waits for. */
  open(target: Target): number {
    return [...this.#open].filter((request) => request.target === target).length;
  }

  /** Replaces tokens from the next answer on; undefined turns ACLs off. */
  setAcl(acl: AclOptions | undefined): void {
    this.#acl = acl === undefined ? undefined : new AccessControl(acl);
  }

  /** Lets `script` answer from the next request on, in place of the one set for the same target before. */
  script(target: Target | 'any', script: Script): void {
    this.#scripts.set(target, script);
  }

  clearScripts(): void {
    this.#scripts.clear();
  }

  /** Listens again after `stop`; `keepCa: false` is an empty data directory: new CA, indexes from the start. */
  async start({ keepCa = true }: { keepCa?: boolean } = {}): Promise<void> {
    if (this.#mesh === undefined || !keepCa) {
      this.#mesh?.close();
      this.#mesh = await MeshAuthority.create({
        clock: this.#clock,
        datacenter: this.datacenter,
        leafTtlMs: this.#options.leafTtlMs ?? DEFAULT_LEAF_TTL_MS,
        backdateMs: this.#options.backdateMs,
        rootKeyType: this.#options.rootKeyType ?? 'ec-p256',
        leafKeyType: this.#options.leafKeyType ?? 'ec-p256',
      });
    }
    const server = new HttpServer((message, response) => {
      void this.#serve(message, response);
    }, this.#options.tls);
    this.#port = await server.listen(this.host, this.#port);
    this.#server = server;
  }

  /** As if killed: every connection ends, the port refuses, the agent's leaves are forgotten. */
  async stop(): Promise<void> {
    this.#mesh?.forgetLeaves();
    await this.#server?.close();
    this.#server = undefined;
  }

  async restart({ keepCa = true, downMs = 0 }: { keepCa?: boolean; downMs?: number } = {}): Promise<void> {
    await this.stop();
    await this.#clock.sleep(downMs, new AbortController().signal);
    await this.start({ keepCa });
  }

  /** For good: no socket and no timer is left. */
  async close(): Promise<void> {
    this.#mesh?.close();
    await this.stop();
  }

  get #ca(): MeshAuthority {
    if (this.#mesh === undefined) throw new Error('the embedded Consul has not been started');
    return this.#mesh;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const request = await readRequest(message, this.#clock.now(), gone.signal);
      this.#requests.push(request);
      this.#open.add(request);
      response.once('close', () => this.#open.delete(request));
      await this.#respond(request, response, message.socket);
    } catch (error) {
      if (response.headersSent || gone.signal.aborted) message.socket.destroy();
      else response.writeHead(500).end(`the embedded Consul failed: ${String(error)}`);
    }
  }

  async #respond(request: ConsulRequest, response: ServerResponse, socket: Socket): Promise<void> {
    const truth: Truth = {
      blocked: () => this.#answer(request, parseBlockingQuery(request.query)),
      now: () => this.#answer(request, { index: 0n, waitMs: 0 }),
    };
    const script = this.#scripts.get(request.target) ?? this.#scripts.get('any');
    const given = (await script?.(request, truth)) ?? (await truth.blocked());
    if (request.signal.aborted) return;
    if (typeof given === 'string') await sendFault(response, socket, given, truth);
    else sendAnswer(response, request, given);
  }

  #answer(request: ConsulRequest, query: BlockingQuery | Answer): Promise<Answer> {
    return answer(
      { mesh: this.#ca, acl: () => this.#acl, datacenter: this.datacenter, clock: this.#clock },
      request,
      query,
    );
  }
}
