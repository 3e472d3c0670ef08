import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './clock.ts';
import { compose } from './compose.ts';
import { type Config, readConfig } from './config/config.ts';
import { findMisspellings } from './config/misspelt.ts';
import { ConfigurationError, describeError } from './errors.ts';
import { createLogger } from './log.ts';
import { startStatusServer } from './status/server.ts';

const { version } = packageJson;
const HELP = `ambassador-consul-connector ${version}
Keeps an Ambassador gateway's Consul Connect identity in a Kubernetes Secret.

  ambassador-consul-connector [run]   keep it, until SIGTERM or SIGINT
  ambassador-consul-connector once    publish it once and exit (0: published or already current)
  ambassador-consul-connector --help | --version

Everything is set by environment variables; .env.example in the sources lists them all.
Exit codes: 0 clean stop, 1 a command failed, 2 bad configuration or usage.
`;
const EXIT = { ok: 0, failed: 1, badConfiguration: 2 };
/** Kubernetes and people expect a stop within two seconds, whatever hangs. */
const LONGEST_STOP_MS = 1_500;

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

async function main(args: readonly string[]): Promise<number> {
  const command = readCommand(args);
  if (command === 'help') return print(HELP, EXIT.ok);
  if (command === 'version') return print(`${version}\n`, EXIT.ok);
  if (command === undefined) return complain(`unknown arguments: ${args.join(' ')}\n\n${HELP}`);
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigurationError) return complain(`${error.message}\n`);
    throw error;
  }
  const logger = createLogger(config.logLevel);
  for (const misspelling of findMisspellings(process.env))
    logger.warn(misspelling, 'a variable is set and has no effect');
  try {
    return await (command === 'once' ? once(config, logger) : run(config, logger));
  } catch (error) {
    logger.fatal(describeError(error), 'cannot go on');
    return EXIT.failed;
  }
}

async function run(config: Config, logger: Logger): Promise<number> {
  const signal = stopSignal(logger, EXIT.ok);
  const { connector, health, metrics } = compose(config, systemClock, logger, version);
  const server = await startStatusServer(config.http, health, metrics);
  logger.info({ host: config.http.host, port: server.port }, 'serving status');
  await connector.run(signal);
  await server.close();
  logger.info('stopped');
  return EXIT.ok;
}

/** A stop before the end is a failure: 0 says that the identity is published. */
async function once(config: Config, logger: Logger): Promise<number> {
  const signal = stopSignal(logger, EXIT.failed);
  const { connector } = compose(config, systemClock, logger, version);
  try {
    const wrote = await connector.once(signal);
    logger.info({ wrote }, wrote ? 'published once' : 'already current');
    return EXIT.ok;
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.warn('stopped before it was done');
    return EXIT.failed;
  }
}

function readCommand(args: readonly string[]): 'run' | 'once' | 'help' | 'version' | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    });
    if (values.help === true) return 'help';
    if (values.version === true) return 'version';
    const [command = 'run', ...rest] = positionals;
    return rest.length === 0 && (command === 'run' || command === 'once') ? command : undefined;
  } catch {
    return undefined;
  }
}

/** Aborts on SIGTERM or SIGINT; if something hangs then, the process ends all the same, in time and with `code`. */
function stopSignal(logger: Logger, code: number): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      logger.info({ signal: name }, 'stopping');
      stop.abort();
      setTimeout(() => process.exit(code), LONGEST_STOP_MS).unref();
    });
  }
  return stop.signal;
}

function print(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

function complain(text: string): number {
  process.stderr.write(text);
  return EXIT.badConfiguration;
}
