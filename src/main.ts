import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { helpText, readArguments } from './cli/arguments.ts';
import { check } from './cli/check/check.ts';
import { renderJson, renderTable } from './cli/check/format.ts';
import { render } from './cli/render.ts';
import { stopSignal } from './cli/stop-signal.ts';
import { wire, wireCheck, wireRender } from './cli/wiring.ts';
import { type Config, readConfig } from './config/config.ts';
import { fatalApiVersion } from './config/fatal-api-version.ts';
import { findUnknownVariables } from './config/unknown-variables.ts';
import { ConfigurationError, describeError } from './errors.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger } from './lib/logger.ts';
import { startStatusServer } from './status/server.ts';

const { version } = packageJson;
const EXIT = { ok: 0, failed: 1, badConfiguration: 2 };

// Not `exitCode`: Node removes its signal handlers before it ends, and one more Ctrl-C would end the process by the signal.
void main(process.argv.slice(2)).then((code) => process.exit(code));

async function main(args: readonly string[]): Promise<number> {
  const command = readArguments(args);
  const help = helpText(version);
  if (command === undefined) return complain(`unknown arguments: ${args.join(' ')}\n\n${help}`);
  if (command.name === 'help') return print(help, EXIT.ok);
  if (command.name === 'version') return print(`${version}\n`, EXIT.ok);
  if (command.name === 'check') return runCheck(command.json);
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigurationError) return complain(`${error.message}\n`);
    throw error;
  }
  if (command.name === 'render') return runRender(config, command.showKey);
  const logger = createLogger(config.logLevel);
  for (const misspelling of findUnknownVariables(process.env))
    logger.warn(misspelling, 'unknown environment variable');
  const fatal = fatalApiVersion(config);
  if (fatal !== undefined) logger.warn(fatal, 'the TLSContext apiVersion crashes Emissary-ingress');
  try {
    return await (command.name === 'once' ? once(config, logger) : run(config, logger));
  } catch (error) {
    logger.fatal(describeError(error), 'exiting because of an error');
    return EXIT.failed;
  }
}

async function run(config: Config, logger: Logger): Promise<number> {
  const signal = stopSignal(EXIT.ok, (name) => logger.info({ signal: name }, 'stopping'));
  const { connector, ...observed } = wire(config, systemClock, logger, version);
  const server = await startStatusServer(config.http, observed, systemClock);
  logger.info({ host: config.http.host, port: server.port }, 'serving status');
  await connector.run(signal);
  await server.close();
  logger.info('stopped');
  return EXIT.ok;
}

/** A stop before the end is a failure: 0 says that the identity is published. */
async function once(config: Config, logger: Logger): Promise<number> {
  const signal = stopSignal(EXIT.failed, (name) => logger.info({ signal: name }, 'stopping'));
  const { connector } = wire(config, systemClock, logger, version);
  try {
    const wrote = await connector.once(signal);
    logger.info({ wrote }, wrote ? 'published once' : 'already current');
    return EXIT.ok;
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.warn('stopped before completion');
    return EXIT.failed;
  }
}

/** An interrupted check is no good one, or an init container would let the Pod start. */
async function runCheck(json: boolean): Promise<number> {
  const signal = stopSignal(EXIT.failed);
  const kubernetes = (config: Config) => wireCheck(config, systemClock);
  try {
    const report = await check({ environment: process.env, clock: systemClock, kubernetes, signal });
    if (signal.aborted) return complain('interrupted\n', EXIT.failed);
    const code = report.ok ? EXIT.ok : report.configured ? EXIT.failed : EXIT.badConfiguration;
    return print(json ? renderJson(report) : renderTable(report), code);
  } catch (error) {
    return complain(`${signal.aborted ? 'interrupted' : describeError(error).error}\n`, EXIT.failed);
  }
}

/** Manifests alone go to standard output. */
async function runRender(config: Config, showKey: boolean): Promise<number> {
  const signal = stopSignal(EXIT.failed);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    const fatal = fatalApiVersion(config);
    if (fatal !== undefined) note(`${fatal.warning}\n-> ${fatal.remedy}`);
    const parts = wireRender(config, systemClock);
    return print(await render({ ...parts, showKey, note, signal }), EXIT.ok);
  } catch (error) {
    const { code, error: text, remedy } = describeError(error);
    return complain(`${code}: ${text}\n${remedy === undefined ? '' : `-> ${remedy}\n`}`, EXIT.failed);
  }
}

function print(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

function complain(text: string, code: number = EXIT.badConfiguration): number {
  process.stderr.write(text);
  return code;
}
