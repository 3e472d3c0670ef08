import { isIP } from 'node:net';

/** One address of Consul's HTTP API, as configured: a name may stand for several servers. */
export type ConsulServer = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** How to speak TLS with Consul. Files are read again when they change. */
export interface ConsulTlsConfig {
  readonly caFile: string | undefined;
  /** A folder of CA files. */
  readonly caFolder: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  /** The name in the server's certificate, where it is not the host asked for: `server.<datacenter>.consul`. */
  readonly serverName: string | undefined;
  /** False verifies nothing. */
  readonly verify: boolean;
}

/** Where the ACL token comes from. */
export type TokenConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly token: string }
  | { readonly kind: 'file'; readonly path: string }
  | ({ readonly kind: 'login' } & LoginConfig);

/** A login with a bearer token, such as that of the Pod's ServiceAccount (`consul login`). */
export interface LoginConfig {
  readonly authMethod: string;
  readonly bearerTokenFile: string;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly meta: Readonly<Record<string, string>>;
}

/** What the service is asked for in. Each is sent only where it is set: Consul without Enterprise refuses the first two. */
export interface ConsulScope {
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly datacenter: string | undefined;
}

/** All there is to know to ask Consul. */
export interface ConsulAccess {
  readonly servers: readonly ConsulServer[];
  readonly tls: ConsulTlsConfig | undefined;
  readonly token: TokenConfig;
  readonly scope: ConsulScope;
  /** The Consul service whose leaf is wanted. */
  readonly service: string;
}

/** The address as a URL, for requests and for logs; an IPv6 address in brackets. */
export function serverUrl(server: ConsulServer, tls: ConsulTlsConfig | undefined): string {
  if ('socketPath' in server) return `unix://${server.socketPath}`;
  const host = isIP(server.host) === 6 ? `[${server.host}]` : server.host;
  return `${tls === undefined ? 'http' : 'https'}://${host}:${server.port}`;
}

/** The scope as query parameters. */
export function scopeQuery({ namespace, partition, datacenter }: ConsulScope): URLSearchParams {
  const given = { ns: namespace, partition, dc: datacenter };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  return query;
}
