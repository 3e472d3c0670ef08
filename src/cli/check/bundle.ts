import { Agent } from 'undici';
import type { Environment } from '../../config/config.ts';
import { NAMES } from '../../config/variables.ts';
import { describeError } from '../../errors.ts';
import type { Published } from '../../identity/published.ts';
import { issuerOf, subjectOf, tryReadCertificates } from '../../identity/x509/certificate.ts';
import { foreignText } from '../../lib/foreign-text.ts';
import { METRICS_PREFIX } from '../../status/metrics.ts';
import type { Report } from './check.ts';

/** The data for a bug report. It is built only from public data: it contains no key, token or password. */
export interface Bundle {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** ISO 8601. */
  readonly at: string;
  /** The variables that are set. */
  readonly environment: Readonly<Record<string, string>>;
  readonly report: Report;
  readonly published: readonly BundledCertificate[] | string;
  /** The status of a daemon in the same Pod or on the same machine, if one answers. */
  readonly daemon: Readonly<Record<string, string>>;
}

interface BundledCertificate {
  readonly of: 'tls.crt' | 'ca.crt';
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly uris: readonly string[];
}

/** Variables that contain a secret, or may: a command may have one among its arguments. */
const SECRET = /_(?:TOKEN|AUTH|PASSWORD|COMMAND)$/;

const STATUS_DEADLINE_MS = 5_000;
const MAX_STATUS_LENGTH = 256 * 1_024;

export interface BundleOptions {
  readonly version: string;
  readonly environment: Environment;
  readonly report: Report;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Reads what is published. @throws ConnectorError */
  readonly published: () => Promise<Published | undefined>;
  /** The status port of a daemon; undefined if the configuration is invalid. */
  readonly status: { readonly host: string; readonly port: number } | undefined;
}

/** Collects the bundle, within seconds. */
export async function collectBundle(options: BundleOptions): Promise<Bundle> {
  const { version, environment, report, at, status } = options;
  const [published, daemon] = await Promise.all([
    publishedCertificates(options),
    status === undefined ? {} : daemonStatus(status),
  ]);
  return {
    version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    at: new Date(at).toISOString(),
    environment: bundledEnvironment(environment),
    report,
    published,
    daemon,
  };
}

async function publishedCertificates({ published }: BundleOptions): Promise<Bundle['published']> {
  try {
    const found = await published();
    return found === undefined
      ? 'nothing is published'
      : bundledCertificates(found.certificatePem, found.caPem);
  } catch (error) {
    return describeError(error).error;
  }
}

/** Empty unless a daemon answers: another program may listen there. */
async function daemonStatus({ host, port }: { host: string; port: number }): Promise<Bundle['daemon']> {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const origin = `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
  const agent = new Agent();
  const get = async (path: string): Promise<string> => {
    const signal = AbortSignal.timeout(STATUS_DEADLINE_MS);
    const { body } = await agent.request({ origin, path, method: 'GET', signal });
    return (await body.text()).slice(0, MAX_STATUS_LENGTH);
  };
  try {
    const metrics = await get('/metrics');
    return metrics.includes(METRICS_PREFIX) ? { metrics, readyz: await get('/readyz') } : {};
  } catch {
    return {};
  } finally {
    await agent.destroy();
  }
}

/** The variables that are set, with secrets redacted. Proxy variables may contain a password too. */
export function bundledEnvironment(environment: Environment): Readonly<Record<string, string>> {
  const set = Object.entries(environment).flatMap(([name, value = '']) => {
    if (!NAMES.includes(name) && !/^(?:HTTPS?|NO)_PROXY$/i.test(name)) return [];
    return [[name, SECRET.test(name) ? '[set]' : withoutPassword(value)] as const];
  });
  return Object.fromEntries(set.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The public fields of published PEM: names, serial numbers and dates. */
function bundledCertificates(
  certificatePem: string,
  caPem: string | undefined,
): readonly BundledCertificate[] {
  const describe = (of: 'tls.crt' | 'ca.crt', pem: string) =>
    tryReadCertificates(pem).map((certificate) => ({
      of,
      subject: subjectOf(certificate),
      issuer: issuerOf(certificate),
      serial: certificate.serialNumber,
      notBefore: new Date(certificate.notBefore).toISOString(),
      notAfter: new Date(certificate.notAfter).toISOString(),
      uris: certificate.uris,
    }));
  return [...describe('tls.crt', certificatePem), ...describe('ca.crt', caPem ?? '')];
}

function withoutPassword(value: string): string {
  return foreignText(value.replace(/\/\/[^/@]*@/, '//[redacted]@'));
}
