import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { check, type Report } from '../../../src/cli/check/check.ts';
import { CHECK_DEADLINE_MS } from '../../../src/cli/check/wait.ts';
import { render } from '../../../src/cli/render.ts';
import { wire, wireRender } from '../../../src/cli/wiring.ts';
import { readConfig } from '../../../src/config/config.ts';
import type { Connector } from '../../../src/connector/connector.ts';
import { ConnectorError } from '../../../src/errors.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { isRecord } from '../../../src/lib/record.ts';

/** The environment and clock of a command, instead of those of the process. */
export interface Setting {
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A clock that starts at the time of a recording. */
export function clockFrom(at: number): Clock {
  const start = performance.now();
  return { ...systemClock, now: () => at + (performance.now() - start) };
}

/** A logger that keeps its lines. */
export class Log {
  readonly lines: LogLine[] = [];
  #wake = (): void => undefined;

  readonly logger = pino(
    { level: 'info', base: null },
    {
      write: (text: string) => {
        const line: unknown = JSON.parse(text);
        if (isRecord(line)) this.lines.push(line);
        this.#wake();
      },
    },
  );

  /** Resolves once `isReached` accepts the lines, or after `ms` milliseconds. */
  async until(isReached: (lines: readonly LogLine[]) => boolean, ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    while (!isReached(this.lines) && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - performance.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Runs the daemon until `isReached` accepts its log. */
export async function runUntil(
  { environment, clock }: Setting,
  isReached: (lines: readonly LogLine[]) => boolean,
  ms = 20_000,
): Promise<readonly LogLine[]> {
  const daemon = startDaemon({ environment, clock });
  await daemon.log.until(isReached, ms);
  await daemon.stop();
  return daemon.log.lines;
}

export interface Daemon {
  readonly log: Log;
  stop(): Promise<void>;
}

export function startDaemon({ environment, clock }: Setting): Daemon {
  const log = new Log();
  const stop = new AbortController();
  const running = wired({ environment, clock }, log).then((connector) => connector.run(stop.signal));
  return {
    log,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

/** Runs `once`: whether anything was written, or the error. */
export async function once(setting: Setting): Promise<boolean | ConnectorError> {
  const connector = await wired(setting, new Log());
  return orError(connector.once(new AbortController().signal));
}

async function wired({ environment, clock }: Setting, log: Log): Promise<Connector> {
  const { connector } = await wire(readConfig(environment), clock, log.logger, '0.0.0', { dropped: 0 });
  return connector;
}

/** The manifests with the key, or the error. */
export async function rendered({ environment, clock }: Setting): Promise<string | ConnectorError> {
  const parts = await wireRender(readConfig(environment), clock);
  const { signal } = new AbortController();
  return orError(render({ ...parts, showKey: true, note: () => undefined, signal }));
}

export function checked({ environment, clock }: Setting): Promise<Report> {
  const kubernetes = (): never => {
    throw new Error('the identity goes into a folder');
  };
  const { signal } = new AbortController();
  const published = async () => undefined;
  return check({ environment, clock, kubernetes, published, deadlineMs: CHECK_DEADLINE_MS, signal });
}

async function orError<T>(work: Promise<T>): Promise<T | ConnectorError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
}

/** A folder of one command. */
export interface TemporaryFolder {
  /** The value of `_OUTPUT_DIR`, which does not exist yet. */
  readonly published: string;
  readonly bearer: string;
  remove(): Promise<void>;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'recorded-'));
  const bearer = join(path, 'bearer');
  writeFileSync(bearer, 'a bearer token');
  return { published: join(path, 'published'), bearer, remove: () => rm(path, { recursive: true }) };
}
