import { setMaxListeners } from 'node:events';
import { type Config, type Environment, readConfig } from '../../config/config.ts';
import { fatalApiVersion } from '../../config/fatal-api-version.ts';
import { findUnknownVariables } from '../../config/unknown-variables.ts';
import { ConfigurationError } from '../../errors.ts';
import type { Published } from '../../identity/published.ts';
import type { Clock } from '../../lib/clock.ts';
import { CONSUL_SUBJECTS, checkConsul } from './consul.ts';
import { checkDirectory } from './directory.ts';
import { checkKubernetes, type KubernetesSide } from './kubernetes.ts';
import { after, asConnectorError, fail, pass, type Row, skipAll, warnOf } from './result.ts';

/** The rows, ordered from cause to effect: fix the first FAIL first. */
export interface Report {
  readonly ok: boolean;
  readonly configured: boolean;
  readonly rows: readonly Row[];
}

export interface CheckOptions {
  readonly environment: Environment;
  readonly clock: Clock;
  /** The client of the cluster, and the objects written there. @throws PublishError if no cluster is configured */
  readonly kubernetes: (config: Config, deadlineMs: number) => Promise<KubernetesSide>;
  /** For Consul and for the target, each. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** The sidecar for a handshake as the gateway would do it. */
  readonly sidecar?: { readonly host: string; readonly port: number } | undefined;
  /** Reads what is published now. @throws PublishError */
  readonly published: (config: Config, signal: AbortSignal) => Promise<Published | undefined>;
}

const CONFIGURATION = { check: 'configuration', what: 'configuration' };
const KUBERNETES = { check: 'kubernetes', what: 'reach Kubernetes' };

/**
 * Checks everything from the configuration to the gateway without changes: no object is written, and a login is logged out.
 * Consul and the target are checked in parallel, each within `deadlineMs`.
 */
export async function check(options: CheckOptions): Promise<Report> {
  const { environment, clock, deadlineMs, signal } = options;
  // All permissions are checked in parallel, each with a listener on the signal: Node warns of a leak from the eleventh on.
  setMaxListeners(0, signal);
  let config: Config;
  try {
    config = readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const rows = [
      fail(CONFIGURATION, error),
      ...skipAll([...CONSUL_SUBJECTS, KUBERNETES], after(CONFIGURATION)),
    ];
    return { ok: false, configured: false, rows };
  }
  const { sidecar, published } = options;
  const access = { ...config.consul, trustDomain: config.trustDomain };
  const readPublished = (ended: AbortSignal) => published(config, ended);
  const [consul, target] = await Promise.all([
    checkConsul(access, clock, deadlineMs, signal, sidecar && { ...sidecar, published: readPublished }),
    checkTarget(config, options),
  ]);
  const rows = [configurationRow(environment, config), ...consul.rows, ...target, ...consul.ofSidecar];
  return { ok: rows.every(({ status }) => status !== 'fail'), configured: true, rows };
}

async function checkTarget(
  config: Config,
  { clock, kubernetes, deadlineMs, signal }: CheckOptions,
): Promise<Row[]> {
  if (config.outputDirectory !== undefined) return [await checkDirectory(config.outputDirectory, clock)];
  let side: KubernetesSide;
  try {
    side = await kubernetes(config, deadlineMs);
  } catch (error) {
    return [fail(KUBERNETES, asConnectorError(error))];
  }
  try {
    return await checkKubernetes(side, signal);
  } finally {
    await side.client.close();
  }
}

function configurationRow(environment: Environment, config: Config): Row {
  const fatal = fatalApiVersion(config);
  const problems = [
    ...findUnknownVariables(environment).map(({ variable, meant }) => ({
      detail: `${variable} is set but has no effect`,
      remedy: `set ${meant} instead of ${variable}`,
    })),
    ...(fatal === undefined ? [] : [{ detail: fatal.warning, remedy: fatal.remedy }]),
  ];
  return problems.length === 0
    ? pass(CONFIGURATION, 'all variables are valid')
    : warnOf(CONFIGURATION, problems);
}
