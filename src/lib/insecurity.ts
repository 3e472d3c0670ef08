import { isIPv4 } from 'node:net';

/** Traffic that the configuration lets others on the network read or change: shown by the log, `check` and the status page. */
export interface Insecurity {
  readonly warning: string;
  readonly remedy: string;
}

/**
 * Whether a host is certainly this machine (RFC 6890 section 2.2.2, RFC 6761 section 6.3), so that plain HTTP to it crosses no
 * network. An IPv6 address may be in brackets.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  const address = name.replace(/^::ffff:/, '');
  return isIPv4(address) && address.startsWith('127.');
}
