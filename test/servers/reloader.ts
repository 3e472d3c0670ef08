import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Gateway, GatewayFiles } from './gateway.ts';
import type { RealKubernetes } from './real-kubernetes.ts';

type Data = Readonly<Record<string, string>>;

export interface Reloader {
  /** What a gateway would be given now. */
  files(): GatewayFiles | undefined;
  /** From now on the gateway, which was started with `first`, is reloaded on every change of what it uses. */
  serve(name: string, gateway: Gateway, first: GatewayFiles): void;
  /** When each gateway was reloaded, in milliseconds since the epoch. */
  readonly reloads: readonly { readonly gateway: string; readonly at: number }[];
  stop(): Promise<void>;
}

const WATCH_AGAIN_MS = 500;
/** Ambassador too gathers changes before it reconfigures (AMBASSADOR_RECONFIG_MAX_DELAY), and for longer. */
const GATHER_MS = 100;

/**
 * Plays Ambassador: watches the Secrets of a namespace, and reloads its gateways when the hash of what they use changes:
 * of `tls.crt` and `tls.key`, and for a gateway that verifies its upstreams of the bundle too.
 */
export function startReloader(kubernetes: RealKubernetes, namespace: string, secret: string): Reloader {
  const secrets = new Map<string, Data>();
  const gateways = new Map<string, { readonly gateway: Gateway; hash: string }>();
  const reloads: { gateway: string; at: number }[] = [];
  const ended = new AbortController();
  let pending: Promise<void> | undefined;
  const agent = new Agent({ connect: { ca: kubernetes.caPem }, bodyTimeout: 0 });

  function files(): GatewayFiles | undefined {
    const { 'tls.crt': certificate, 'tls.key': privateKey, 'ca.crt': roots } = secrets.get(secret) ?? {};
    if (certificate === undefined || privateKey === undefined) return undefined;
    // Of a Secret without roots, as the old program wrote it, the root at the end of its chain is all there is.
    const bundle = secrets.get(`${secret}-ca`)?.['tls.crt'] ?? roots ?? lastCertificate(certificate);
    return { certificate, privateKey, bundle };
  }

  async function reloadChanged(): Promise<void> {
    const current = files();
    if (current === undefined) return;
    for (const [name, each] of gateways) {
      const hash = hashOf(current, each.gateway);
      if (hash === each.hash) continue;
      each.hash = hash;
      await each.gateway.reload(current);
      reloads.push({ gateway: name, at: Date.now() });
    }
  }

  async function watchOnce(): Promise<void> {
    const url = `${kubernetes.url}/api/v1/namespaces/${namespace}/secrets?watch=true`;
    const headers = { authorization: `Bearer ${kubernetes.adminToken}` };
    const { body } = await request(url, { dispatcher: agent, headers, signal: ended.signal });
    for await (const line of createInterface({ input: body })) {
      const { type, object }: WatchEvent = JSON.parse(line);
      if (type !== 'ADDED' && type !== 'MODIFIED') continue;
      secrets.set(object.metadata.name, decode(object.data ?? {}));
      pending ??= sleep(GATHER_MS).then(async () => {
        pending = undefined;
        await reloadChanged();
      });
    }
  }

  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      // Whatever ended it, the next watch begins with all there is.
      await watchOnce().catch(() => undefined);
      await sleep(WATCH_AGAIN_MS);
    }
  }
  const watching = watch();

  return {
    files,
    serve(name, gateway, first) {
      gateways.set(name, { gateway, hash: hashOf(first, gateway) });
    },
    reloads,
    async stop() {
      ended.abort();
      await watching;
      await pending;
      await agent.destroy();
    },
  };
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string }; readonly data?: Data };
}

function decode(data: Data): Data {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function lastCertificate(chain: string): string {
  return chain.slice(chain.lastIndexOf('-----BEGIN CERTIFICATE-----'));
}

function hashOf({ certificate, privateKey, bundle = '' }: GatewayFiles, gateway: Gateway): string {
  const used = gateway.verifiesUpstream ? [certificate, privateKey, bundle] : [certificate, privateKey];
  return createHash('sha256').update(JSON.stringify(used)).digest('hex');
}
