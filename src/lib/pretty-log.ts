import { coloured } from './colour.ts';
import { isRecord } from './record.ts';

const COLOURS: Readonly<Record<string, number>> = { warn: 33, error: 31, fatal: 31, debug: 2, trace: 2 };
const LEVEL_WIDTH = 'ERROR'.length;
/** The width of time and level. */
const INDENT = ' '.repeat('12:34:56.789 '.length + LEVEL_WIDTH + 1);

/**
 * A line of the JSON log as readable text: time of day in UTC, level, message and data, with the remedy on a separate line.
 * A line that is not JSON is returned unchanged.
 */
export function prettyLine(line: string, hasColour: boolean): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const { level, time, msg, remedy, ...data } = entry;
  const name = String(level);
  const colour = hasColour ? COLOURS[name] : undefined;
  const head = `${timeOfDay(String(time))} ${name.toUpperCase().padEnd(LEVEL_WIDTH)} ${String(msg)}`;
  const fields = Object.entries(data).map(([key, value]) => `${key}=${shown(value)}`);
  const lines = [[coloured(head, colour), ...fields].join('  ')];
  if (remedy !== undefined) lines.push(`${INDENT}-> ${String(remedy)}`);
  return `${lines.join('\n')}\n`;
}

/** @param iso an ISO 8601 date */
function timeOfDay(iso: string): string {
  return iso.slice(11, 23);
}

/** Quoted if its end would be ambiguous otherwise. */
function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return isRecord(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}
