import { BlockList, isIP, isIPv6 } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for `server` from the environment, undefined if none: HTTPS_PROXY or HTTP_PROXY by the scheme, unless NO_PROXY lists
 * the host. Follows the rules of Go (golang.org/x/net/http/httpproxy) and so of kubectl: this machine is never reached through a
 * proxy.
 */
export function proxyFromEnvironment(server: string, environment: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = read(environment, name);
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  if (proxy === '' || isThisMachine(host)) return undefined;
  const target = { host, port: port || (protocol === 'https:' ? '443' : '80') };
  const excluded = read(environment, 'NO_PROXY')
    .split(',')
    .some((entry) => excludes(entry.trim().toLowerCase(), target));
  if (excluded) return undefined;
  return /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;
}

interface ProxyTarget {
  readonly host: string;
  readonly port: string;
}

function read(environment: Environment, name: string): string {
  return (environment[name] || environment[name.toLowerCase()] || '').trim();
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** An entry is `*`, an address, a network, or a domain with its subdomains; all but a network may have a port. */
function excludes(entry: string, { host, port }: ProxyTarget): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, bare = entry, wantedPort] =
    /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(isIPv6(entry) ? `[${entry}]` : entry) ?? [];
  if (wantedPort !== undefined && wantedPort !== port) return false;
  if (isIP(bare) !== 0) return bare === host;
  const domain = bare.replace(/^\*(?=\.)/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(entry: string, host: string): boolean {
  const [network = '', prefix = ''] = entry.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const bits = Number(prefix);
  const isNetwork = isIP(network) !== 0 && /^\d+$/.test(prefix) && bits <= (family === 'ipv6' ? 128 : 32);
  if (!isNetwork || isIP(host) !== isIP(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, family);
}
