import { writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { type Command, readArguments } from './cli/arguments.ts';
import { collectBundle } from './cli/check/bundle.ts';
import { check, type Report } from './cli/check/check.ts';
import { renderJson, renderTable } from './cli/check/format.ts';
import { CHECK_DEADLINE_MS, checkUntilGood } from './cli/check/wait.ts';
import { completionScript } from './cli/completion.ts';
import { endProcess } from './cli/end-process.ts';
import { commandHelp, environmentHelp, helpText } from './cli/help.ts';
import { render } from './cli/render.ts';
import { stopSignal } from './cli/stop-signal.ts';
import { readPublished, wire, wireCheck, wireRender } from './cli/wiring.ts';
import { type Config, readConfig } from './config/config.ts';
import { fatalApiVersion } from './config/fatal-api-version.ts';
import { findUnknownVariables } from './config/unknown-variables.ts';
import { ConfigurationError, describeError, systemCode } from './errors.ts';
import { systemClock } from './lib/clock.ts';
import { wantsColour } from './lib/colour.ts';
import { LogOutput } from './lib/log-output.ts';
import { createLogger } from './lib/logger.ts';
import { readText } from './lib/read-text.ts';
import { startStatusServer } from './status/server.ts';

const { version } = packageJson;
const SEE_HELP = 'Try ambassador-consul-connector --help, or help env for the variables.\n';
const EXIT = { ok: 0, failed: 1, badConfiguration: 2 };

// By default Node opens its inspector on SIGUSR1, and the key could be read through it. Node 20 has no --disable-sigusr1.
process.on('SIGUSR1', () => undefined);

// Not `exitCode`: Node removes its signal handlers before it exits, so a further Ctrl-C would kill the process.
// A success waits for work that hangs, because a process that kills itself has no exit code.
void main(process.argv.slice(2)).then((code) => (code === EXIT.ok ? process.exit(code) : endProcess(code)));

async function main(args: readonly string[]): Promise<number> {
  const read = readArguments(args);
  if ('problem' in read) return complain(`${read.problem}\n${SEE_HELP}`);
  const { command, envFile } = read;
  if (command.name === 'help') return print(help(command.about), EXIT.ok);
  if (command.name === 'version') return print(`${version}\n`, EXIT.ok);
  if (command.name === 'completion') return print(completionScript(command.shell), EXIT.ok);
  try {
    if (envFile !== undefined) await loadVariables(envFile);
  } catch (error) {
    return complain(`--env-file ${envFile}: cannot be read (${systemCode(error) ?? 'unknown'})\n`);
  }
  if (command.name === 'check') return runCheck(command);
  let config: Config;
  try {
    config = readConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigurationError) return complain(`${error.message}\n`);
    throw error;
  }
  if (command.name === 'render') return runRender(config, command.showKey);
  const output = new LogOutput(process.stdout);
  const logger = createLogger(
    {
      level: config.logLevel,
      format: config.logFormat,
      isTerminal: process.stdout.isTTY === true,
      hasColour: wantsColour(process.stdout, process.env),
    },
    output,
  );
  for (const misspelling of findUnknownVariables(process.env))
    logger.warn(misspelling, 'unknown environment variable');
  const fatal = fatalApiVersion(config);
  if (fatal !== undefined) logger.warn(fatal, 'the TLSContext apiVersion crashes Emissary-ingress');
  try {
    return await (command.name === 'once' ? once(config, logger, output) : run(config, logger, output));
  } catch (error) {
    logger.fatal(describeError(error), 'exiting because of an error');
    return EXIT.failed;
  }
}

/** Not `process.loadEnvFile`, which blocks forever on a hung file system. @throws the file system's error */
async function loadVariables(file: string): Promise<void> {
  for (const [name, value] of Object.entries(parseEnv(await readText(file)))) process.env[name] ??= value;
}

function help(about: (Command & { name: 'help' })['about']): string {
  if (about === undefined) return helpText(version);
  return about === 'env' ? environmentHelp() : commandHelp(about);
}

async function run(config: Config, logger: Logger, output: LogOutput): Promise<number> {
  const signal = stopSignal(EXIT.ok, (name) => logger.info({ signal: name }, 'stopping'));
  const { connector, ...observed } = await wire(config, systemClock, logger, version, output);
  const running = connector.run(signal);
  // Started first: its first queries are sent while Node.js loads the modules of the HTTP server.
  const server = await startStatusServer(config.http, observed, systemClock);
  logger.info({ host: config.http.host, port: server.port }, 'serving status');
  await running;
  await server.close();
  logger.info('stopped');
  return endProcess(EXIT.ok);
}

/** An early stop is a failure: exit code 0 means that the identity is published. */
async function once(config: Config, logger: Logger, output: LogOutput): Promise<number> {
  const signal = stopSignal(EXIT.failed, (name) => logger.info({ signal: name }, 'stopping'));
  const { connector } = await wire(config, systemClock, logger, version, output);
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

/** An interrupted check fails; otherwise an init container would let the Pod start. */
async function runCheck({ json, waitMs, sidecar, bundle }: Command & { name: 'check' }): Promise<number> {
  const signal = stopSignal(EXIT.failed);
  const kubernetes = (config: Config, deadlineMs: number) => wireCheck(config, systemClock, deadlineMs);
  const published = (config: Config, ended: AbortSignal) => readPublished(config, systemClock, ended);
  const setting = { environment: process.env, clock: systemClock, kubernetes, published, sidecar, signal };
  const once = (deadlineMs: number) => check({ ...setting, deadlineMs });
  try {
    const report = await (waitMs === undefined
      ? once(CHECK_DEADLINE_MS)
      : checkUntilGood(once, waitMs, systemClock, signal));
    if (signal.aborted) return complain('interrupted\n', EXIT.failed);
    if (report === undefined) return complain('no check completed within --wait\n', EXIT.failed);
    if (bundle !== undefined) await writeBundle(bundle, report, signal);
    const code = report.ok ? EXIT.ok : report.configured ? EXIT.failed : EXIT.badConfiguration;
    return await print(
      json ? renderJson(report) : renderTable(report, wantsColour(process.stdout, process.env)),
      code,
    );
  } catch (error) {
    return complain(`${signal.aborted ? 'interrupted' : describeError(error).error}\n`, EXIT.failed);
  }
}

/** @throws Error if the file cannot be written */
async function writeBundle(file: string, report: Report, signal: AbortSignal): Promise<void> {
  const { env: environment } = process;
  const config = report.configured ? readConfig(environment) : undefined;
  const bundle = await collectBundle({
    version,
    environment,
    report,
    at: systemClock.now(),
    published: async () => config && readPublished(config, systemClock, signal),
    status: config?.http,
  });
  await writeFile(file, `${JSON.stringify(bundle, undefined, 2)}\n`, { mode: 0o600 });
  process.stderr.write(`wrote ${file} for a bug report; it contains no secrets\n`);
}

/** Only manifests go to standard output; notes go to standard error. */
async function runRender(config: Config, showKey: boolean): Promise<number> {
  const signal = stopSignal(EXIT.failed);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    const fatal = fatalApiVersion(config);
    if (fatal !== undefined) note(`${fatal.warning}\n-> ${fatal.remedy}`);
    const parts = await wireRender(config, systemClock);
    return await print(await render({ ...parts, showKey, note, signal }), EXIT.ok);
  } catch (error) {
    const { code, error: text, remedy } = describeError(error);
    return complain(`${code}: ${text}\n${remedy === undefined ? '' : `-> ${remedy}\n`}`, EXIT.failed);
  }
}

/** Waits until all of it is written, even to a slow reader: a pipe holds 64 KiB. */
async function print(text: string, code: number): Promise<number> {
  process.stdout.on('error', () => undefined);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return code;
}

function complain(text: string, code: number = EXIT.badConfiguration): number {
  process.stderr.write(text);
  return code;
}
