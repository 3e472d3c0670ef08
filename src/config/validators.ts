import { isIPv4, isIPv6 } from 'node:net';
import { EnvError, makeExactValidator } from 'envalid';
import { isReserved } from '../publish/annotations.ts';
import { EXTRA_FILES, type ExtraFiles } from '../publish/directory/output.ts';

/** Validators name the accepted form and never repeat the value: a secret may be in the wrong variable. */
function validator<T>(form: string, parse: (input: string) => T | undefined) {
  return makeExactValidator<T>((input) => {
    const value = parse(input);
    if (value === undefined) throw new EnvError(`must be ${form}`);
    return value;
  });
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_KEY =
  /^((?=[^/]{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([-A-Za-z0-9_]{0,62})(\.[A-Za-z0-9_][-A-Za-z0-9_]{0,62})*\.?$/;
const SECRET_NAME = /^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/;

/** Whether Kubernetes accepts it as the name of a Secret. It also accepts dots, but Ambassador splits names at them (#1255). */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Whether Kubernetes accepts it as the name of a Service (RFC 1035: a letter first). */
export function isServiceName(name: string): boolean {
  return DNS_LABEL.test(name) && /^[a-z]/.test(name);
}

function parsePort(input: string): number | undefined {
  const value = /^\d{1,5}$/.test(input) ? Number(input) : 0;
  return value >= 1 && value <= 65_535 ? value : undefined;
}

export const port = validator('a whole number from 1 to 65535', parsePort);

/** As `port`, and 0 for any free one. */
export const listenPort = validator('a whole number from 0 to 65535', (input) => {
  const value = /^\d{1,5}$/.test(input) ? Number(input) : 65_536;
  return value <= 65_535 ? value : undefined;
});

function parseHost(input: string): string | undefined {
  if (isIPv4(input)) return input;
  // A zone is written `%25eth0` in a URL (RFC 6874), and `%eth0` elsewhere.
  const bare = /^\[.*\]$/.test(input) ? input.slice(1, -1).replace('%25', '%') : input;
  if (isIPv6(bare)) return bare;
  // Only digits and dots: must be a valid address.
  return HOST_NAME.test(input) && !/^[\d.]+$/.test(input) ? input : undefined;
}

export const host = validator('a host name or an IP address, without scheme, path or port', parseHost);

/** `host`, `host:port` or `[v6]:port`. */
function parseAddress(input: string): { host: string; port: number | undefined } | undefined {
  const [, name, digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(input) ?? [];
  const parsedHost = name === undefined ? undefined : parseHost(name);
  const parsedPort = digits === undefined ? undefined : parsePort(digits);
  if (parsedHost === undefined || (digits !== undefined && parsedPort === undefined)) return undefined;
  return { host: parsedHost, port: parsedPort };
}

/** `host:port` or `[v6]:port`. */
export function parseHostAndPort(input: string): { host: string; port: number } | undefined {
  const { host: name, port: number } = parseAddress(input) ?? {};
  return name === undefined || number === undefined ? undefined : { host: name, port: number };
}

/** Servers of one Consul datacenter: one is used until it fails. */
export const addresses = validator('addresses as host,host or host:port,host:port', (input) => {
  const parsed = input.split(',').map((each) => parseAddress(each.trim()));
  return parsed.every((each) => each !== undefined) ? parsed : undefined;
});

interface HttpAddress {
  readonly server:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number | undefined; readonly pathPrefix: string };
  readonly scheme: string | undefined;
}

/** The forms of CONSUL_HTTP_ADDR that Consul's own clients accept; `scheme` is undefined without one. */
export const httpAddress = validator<HttpAddress>(
  'host:port, http://host:port, https://host:port/path or unix:///path',
  (input) => {
    const [, scheme, rest = ''] = /^(?:(unix|https?):\/\/)?(.*)$/.exec(input) ?? [];
    if (scheme === 'unix')
      return rest.startsWith('/') ? { server: { socketPath: rest }, scheme: undefined } : undefined;
    const [, address = '', path = ''] = /^([^/]*)(\/[\w.~!$&'()*+,;=:@%/-]*)?$/.exec(rest) ?? [];
    const server = parseAddress(address);
    const pathPrefix = path.replace(/\/+$/, '');
    // Only a URL has a path, as in Consul's own clients.
    if (server === undefined || (scheme === undefined && pathPrefix !== '')) return undefined;
    return { server: { ...server, pathPrefix }, scheme };
  },
);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

export const WAIT_FORM = 'a duration from 1s to 10m with a unit, such as 50s';

/** Milliseconds. Consul bounds a block at ten minutes; below a second it would be polling. */
export function parseWait(input: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m)$/.exec(input) ?? [];
  const value = Number(digits) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  return value >= 1_000 && value <= 600_000 ? value : undefined;
}

export const wait = validator(WAIT_FORM, parseWait);

export const boolean = validator('true or false', (input) => {
  // Includes the forms of Go's strconv.ParseBool, which Consul's own clients accept.
  if (/^(true|t|1|yes|on)$/i.test(input)) return true;
  return /^(false|f|0|no|off)$/i.test(input) ? false : undefined;
});

export const ambassadorId = validator('letters, digits, "-", "_" and "." (at most 63)', (input) =>
  LABEL_VALUE.test(input) ? input : undefined,
);

export const secretName = validator(
  'a name Kubernetes accepts, without dots (Ambassador treats the part after a dot as a namespace)',
  (input) => (isSecretName(input) ? input : undefined),
);

export const serviceName = validator(
  'a name Kubernetes accepts: lower-case letters, digits and "-", a letter first, at most 63',
  (input) => (isServiceName(input) ? input : undefined),
);

export const namespaceName = validator(
  'a namespace: lower-case letters, digits and "-", at most 63',
  (input) => (DNS_LABEL.test(input) ? input : undefined),
);

export const tlsContextName = validator('a name without spaces, "$" or control characters', (input) =>
  /^[A-Za-z0-9][-A-Za-z0-9_.]{0,252}$/.test(input) ? input : undefined,
);

export const apiVersion = validator('ambassador/v1, or getambassador.io/ and a version', (input) =>
  /^(ambassador\/v[0-2]|getambassador\.io\/v\d+(alpha\d+|beta\d+)?)$/.test(input) ? input : undefined,
);

export const labels = validator('labels as k=v,k=v that Kubernetes accepts', (input) => {
  const entries = input.split(',').map((pair) => pair.trim().split('='));
  const valid = entries.every(
    ([key = '', value, ...rest]) =>
      value !== undefined &&
      rest.length === 0 &&
      LABEL_KEY.test(key) &&
      (value === '' || LABEL_VALUE.test(value)),
  );
  return valid ? Object.fromEntries(entries.map(([key = '', value = '']) => [key, value])) : undefined;
});

export const annotations = validator(
  'annotations as key=value, one per line, with keys that Kubernetes accepts and the connector does not use itself',
  (input) => {
    const entries = input.split('\n').map((line) => /^\s*([^=\s]+)=(.*)$/.exec(line.trimEnd()));
    if (!entries.every((entry) => entry !== null)) return undefined;
    const pairs = entries.map(([, key = '', value = '']) => [key, value] as const);
    const valid = pairs.every(([key]) => LABEL_KEY.test(key) && !isReserved(key));
    return valid ? Object.fromEntries(pairs) : undefined;
  },
);

/** A namespace, partition, datacenter or auth method. */
export const consulName = validator('letters, digits, "-", "_" and "."', (input) =>
  /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/.test(input) ? input : undefined,
);

/** The trust domain of a SPIFFE ID (SPIFFE-ID section 2.1), in lower case. */
export const trustDomain = validator('a trust domain, as shown by consul connect ca roots', (input) =>
  /^[A-Za-z0-9._-]{1,255}$/.test(input) ? input.toLowerCase() : undefined,
);

/** The metadata of a login's token. */
export const meta = validator('k=v,k=v', (input) => {
  const entries = input.split(',').map((pair) => /^\s*([^=\s]+)=([^=]*?)\s*$/.exec(pair));
  if (!entries.every((entry) => entry !== null)) return undefined;
  return Object.fromEntries(entries.map(([, key = '', value = '']) => [key, value]));
});

export const consulService = validator(
  'the name of a Consul service, without "/" or control characters',
  (input) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    /^[^\u0000-\u001f\u007f/]{1,253}$/.test(input) ? input : undefined,
);

export const token = validator('a token: printable ASCII without spaces', (input) =>
  /^[\x21-\x7e]+$/.test(input) ? input : undefined,
);

/** For a proxy in front of Consul, as RFC 7617 section 2 allows. */
export const httpAuth = validator('user:password, without control characters', (input) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  /[\u0000-\u001f\u007f]/.test(input) ? undefined : input,
);

export const path = validator('the path of a file or folder', (input) =>
  input.includes('\0') ? undefined : input,
);

/** The owner must be able to read the files: the connector reads them again. */
export const fileMode = validator('an octal mode that lets the owner read, such as 0640', (input) => {
  const mode = /^0?[0-7]{3}$/.test(input) ? Number.parseInt(input, 8) : 0;
  return (mode & 0o400) === 0 ? undefined : mode;
});

/** The ID of a user or group: names differ between machines. */
export const numericId = validator('the numeric ID of a user or group', (input) =>
  /^\d{1,9}$/.test(input) ? Number(input) : undefined,
);

export const extraFiles = validator<readonly ExtraFiles[]>(`some of ${EXTRA_FILES.join(', ')}`, (input) => {
  const wanted = input.split(',').map((each) => EXTRA_FILES.find((known) => known === each.trim()));
  return wanted.every((each) => each !== undefined) ? wanted : undefined;
});

/** PKCS#12 and Java agree only on these characters, and keytool requires six. */
export const keystorePassword = validator('6 to 128 characters of printable ASCII', (input) =>
  /^[\x20-\x7e]{6,128}$/.test(input) ? input : undefined,
);

export const command = validator('a command for /bin/sh', (input) =>
  input.includes('\0') ? undefined : input,
);

/** The signals on which gateways reload: HUP for nginx and Envoy's hot restarter, USR2 for HAProxy. */
export const reloadSignal = validator<NodeJS.Signals>('one of HUP, USR1, USR2', (input) => {
  const [, name] = /^(?:SIG)?(HUP|USR1|USR2)$/.exec(input) ?? [];
  if (name === 'HUP') return 'SIGHUP';
  if (name === 'USR1') return 'SIGUSR1';
  return name === 'USR2' ? 'SIGUSR2' : undefined;
});

export const logFormat = validator('one of auto, json, pretty', (input) =>
  input === 'auto' || input === 'json' || input === 'pretty' ? input : undefined,
);

export const logLevel = validator('one of fatal, error, warn, info, debug, trace', (input) =>
  /^(fatal|error|warn|info|debug|trace)$/.test(input) ? input : undefined,
);
