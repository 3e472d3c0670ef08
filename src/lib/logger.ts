import pino, { type Logger } from 'pino';

/**
 * The one logger: JSON lines with a fixed message and data beside it. Written synchronously, so that the last line
 * before an exit is never lost; a daemon that logs a few lines an hour can afford it.
 */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}
