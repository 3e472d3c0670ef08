import pino, { type Logger } from 'pino';
import { printable } from './foreign-text.ts';
import type { LogOutput } from './log-output.ts';
import { prettyLine } from './pretty-log.ts';

export type LogFormat = 'auto' | 'json' | 'pretty';

export interface LoggerOptions {
  readonly level: string;
  readonly format: LogFormat;
  /** Whether the output is a terminal. */
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
}

/**
 * The logger: JSON lines with a fixed message and data in separate fields, each truncated at 1,000 characters; at a terminal,
 * readable text.
 */
export function createLogger(options: LoggerOptions, output: LogOutput): Logger {
  const { level, format, isTerminal, hasColour } = options;
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const pretty = { write: (line: string) => output.write(prettyLine(line, hasColour)) };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: printableData },
    },
    isPretty ? pretty : output,
  );
  output.onRecovered = (dropped) =>
    logger.warn({ dropped }, 'log lines were dropped because standard output was not read');
  return logger;
}

function printableData(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, printableValue(value)]));
}

function printableValue(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  return Array.isArray(value) ? value.map(printableValue) : value;
}
