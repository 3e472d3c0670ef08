import { createHash, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsulError, systemCode } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { readKeyPair } from '../lib/key-pair.ts';
import { readText, withFileDeadline } from '../lib/read-text.ts';
import { inThreadPool } from '../lib/thread-pool.ts';
import { type ConsulTlsConfig, withoutFinalDot } from './endpoint.ts';

/** TLS options from files, and a fingerprint that detects changes. */
export interface LoadedTls {
  readonly options: {
    readonly rejectUnauthorized: boolean;
    readonly ca?: string[];
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
  };
  readonly fingerprint: string;
}

/** The warning if the configuration disables verification. */
export const VERIFIES_NOTHING =
  'TLS verification of Consul is disabled: anyone on the network path can read the token and the key';

/**
 * Reads the files of a TLS configuration. Called for each request: the files are few and small, requests are rare, and a renewed
 * certificate is used by the next connection without a watch.
 *
 * @throws ConsulError CONSUL_TLS naming the variable and the file, without quoting the file, which may contain a key
 */
export async function loadTls(tls: ConsulTlsConfig | undefined): Promise<LoadedTls | undefined> {
  if (tls === undefined) return undefined;
  const readPair = async () => {
    const [cert, key] = await Promise.all([
      read('CONSUL_CLIENT_CERT', tls.certificateFile),
      read('CONSUL_CLIENT_KEY', tls.keyFile),
    ]);
    return { cert, key };
  };
  const [ca, { cert, key }] = await Promise.all([
    readAuthorities(tls),
    readKeyPair(readPair, systemClock, new AbortController().signal),
  ]);
  const { serverName, verify } = tls;
  const options = {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: withoutFinalDot(serverName) }),
  };
  return {
    options,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([ca, cert, key]))
      .digest('hex'),
  };
}

async function readAuthorities({ caFile, caFolder }: ConsulTlsConfig): Promise<string[] | undefined> {
  if (caFile !== undefined) return [await readAuthority('CONSUL_CACERT', caFile)];
  if (caFolder === undefined) return undefined;
  const names = await orUnreadable('CONSUL_CAPATH', caFolder, () =>
    withFileDeadline(caFolder, systemClock, () => inThreadPool(() => readdir(caFolder))),
  );
  // A mounted Secret or ConfigMap also contains its data folder, whose name begins with two dots.
  const files = names.filter((name) => !name.startsWith('.')).sort();
  if (files.length === 0) throw noAuthority('CONSUL_CAPATH', caFolder);
  return Promise.all(files.map((name) => readAuthority('CONSUL_CAPATH', join(caFolder, name))));
}

/** Node accepts any text as a CA, and then rejects every server: so it is checked here. */
async function readAuthority(variable: string, path: string): Promise<string> {
  const pem = await orUnreadable(variable, path, () => readText(path));
  try {
    new X509Certificate(pem);
  } catch {
    throw noAuthority(variable, path);
  }
  return pem;
}

function noAuthority(variable: string, path: string): ConsulError {
  return new ConsulError('CONSUL_TLS', `${path} contains no CA certificate in PEM form`, {
    remedy: `set ${variable} to the CA of Consul's HTTPS port, such as consul-agent-ca.pem`,
  });
}

async function read(variable: string, path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : orUnreadable(variable, path, () => readText(path));
}

async function orUnreadable<T>(variable: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = systemCode(cause) ?? 'unknown';
    throw new ConsulError('CONSUL_TLS', `${path} cannot be read (${code})`, {
      remedy: `check that the path in ${variable} is mounted, and readable by the user of the connector`,
      cause,
    });
  }
}
