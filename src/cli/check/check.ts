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

/** What was found, in the order of cause and effect: the first FAIL is the one to begin with. */
export interface Report {
  readonly ok: boolean;
  readonly configured: boolean;
  readonly rows: readonly Row[];
}

export interface CheckOptions {
  readonly environment: Environment;
  readonly clock: Clock;
  /** The way to the cluster, and what is written there. @throws PublishError when there is none */
  readonly kubernetes: (config: Config, deadlineMs: number) => Promise<KubernetesSide>;
  /** For each side. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** To shake hands with, as the gateway would. */
  readonly sidecar?: { readonly host: string; readonly port: number } | undefined;
  /** What is published now. @throws PublishError */
  readonly published: (config: Config, signal: AbortSignal) => Promise<Published | undefined>;
}

const CONFIGURATION = { check: 'configuration', what: 'configuration' };
const KUBERNETES = { check: 'kubernetes', what: 'reach Kubernetes' };

/**
 * Looks at everything that can be wrong, and changes nothing: no object is written, and a login is logged out. Both sides
 * are asked at once, and each has `deadlineMs`.
 */
export async function check(options: CheckOptions): Promise<Report> {
  const { environment, clock, deadlineMs, signal } = options;
  // All rights are asked for at once, and each question listens for the end: Node warns of a leak from the eleventh on.
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
  const [consul, place] = await Promise.all([
    checkConsul(access, clock, deadlineMs, signal, sidecar && { ...sidecar, published: readPublished }),
    checkPlace(config, options),
  ]);
  const rows = [configurationRow(environment, config), ...consul.rows, ...place, ...consul.ofSidecar];
  return { ok: rows.every(({ status }) => status !== 'fail'), configured: true, rows };
}

async function checkPlace(
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
      detail: `${variable} is set and has no effect`,
      remedy: `set ${meant} instead of ${variable}`,
    })),
    ...(fatal === undefined ? [] : [{ detail: fatal.warning, remedy: fatal.remedy }]),
  ];
  return problems.length === 0
    ? pass(CONFIGURATION, 'every variable can be used')
    : warnOf(CONFIGURATION, problems);
}
