import { isIP } from 'node:net';

/** One configured address of Consul's HTTP API: a name may resolve to several servers. */
export type ConsulServer =
  | {
      readonly host: string;
      readonly port: number;
      /** The path prefix if a gateway serves the API below one, with a leading slash and no trailing one. */
      readonly pathPrefix?: string;
    }
  | { readonly socketPath: string };

/** How to speak TLS with Consul. Files are read again when they change. */
export interface ConsulTlsConfig {
  readonly caFile: string | undefined;
  /** A folder of CA files. */
  readonly caFolder: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  /** The name in the server's certificate if it is not the host: `server.<datacenter>.consul`. */
  readonly serverName: string | undefined;
  /** False disables verification. */
  readonly verify: boolean;
}

/** The source of the ACL token. */
export type TokenConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly token: string }
  | { readonly kind: 'file'; readonly path: string }
  | ({ readonly kind: 'login' } & LoginConfig);

/** A login with a bearer token, such as that of the Pod's ServiceAccount (`consul login`). */
export interface LoginConfig {
  readonly authMethod: string;
  readonly bearerTokenFile: string;
  /** The datacenter of the auth method; undefined: that of the agent or server. */
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly meta: Readonly<Record<string, string>>;
}

/** The scope of the service. Each part is sent only if set: Consul without Enterprise refuses the first two. */
export interface ConsulScope {
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly datacenter: string | undefined;
}

/** Everything needed to query Consul. */
export interface ConsulAccess {
  readonly servers: readonly ConsulServer[];
  readonly tls: ConsulTlsConfig | undefined;
  /** `user:password` for a proxy in front of Consul (RFC 7617), sent in addition to the token. */
  readonly httpAuth: string | undefined;
  readonly token: TokenConfig;
  readonly scope: ConsulScope;
  /** The Consul service of the leaf. */
  readonly service: string;
  /** Whether the process runs in a Pod, for remedies. */
  readonly inPod: boolean;
}

/** The configured address as a URL for messages; an IPv6 address in brackets. */
export function serverUrl(server: ConsulServer, tls: ConsulTlsConfig | undefined): string {
  if ('socketPath' in server) return `unix://${server.socketPath}`;
  return url(server.host, server.port, tls) + (server.pathPrefix ?? '');
}

/**
 * The origin of requests, for TLS and the Host header. The final dot of a name and the zone of an IPv6 address are only for the
 * local resolver and kernel: no certificate has them, and Go refuses a dot in SNI (RFC 6066 section 3).
 */
export function requestOrigin(server: ConsulServer, tls: ConsulTlsConfig | undefined): string {
  if ('socketPath' in server) return url('localhost', undefined, tls);
  const [name = ''] = server.host.split('%', 1);
  return url(withoutFinalDot(name), server.port, tls);
}

/** A name as in certificates. */
export function withoutFinalDot(name: string): string {
  return name.replace(/\.$/, '');
}

function url(host: string, port: number | undefined, tls: ConsulTlsConfig | undefined): string {
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return `${tls === undefined ? 'http' : 'https'}://${name}${port === undefined ? '' : `:${port}`}`;
}

/** The scope as query parameters. */
export function scopeQuery({ namespace, partition, datacenter }: ConsulScope): URLSearchParams {
  const given = { ns: namespace, partition, dc: datacenter };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  return query;
}
