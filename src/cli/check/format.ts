import { coloured } from '../../lib/colour.ts';
import { printable } from '../../lib/foreign-text.ts';
import type { Report } from './check.ts';
import type { Row } from './result.ts';

const WORDS = { pass: 'PASS', warn: 'WARN', fail: 'FAIL', skipped: 'skipped' } as const;
const COLOURS = { pass: 32, warn: 33, fail: 31, skipped: 2 } as const;
const STATUS_WIDTH = 9;

/**
 * The rows as a table, ordered from cause to effect. A remedy is printed on one line, however long, so that it can be pasted.
 */
export function renderTable({ rows }: Report, hasColour = false): string {
  const width = Math.max(...rows.map(({ what }) => what.length)) + 2;
  const indent = ' '.repeat(STATUS_WIDTH + width);
  const lines = rows.flatMap(({ status, what, detail, remedy }) => [
    coloured(WORDS[status].padEnd(STATUS_WIDTH), hasColour ? COLOURS[status] : undefined) +
      what.padEnd(width) +
      linesOf(detail).join(`\n${indent}`),
    ...linesOf(remedy ?? '').flatMap((line) => (line === '' ? [] : [`${indent}-> ${line}`])),
  ]);
  return `${lines.join('\n')}\n\n${summary(rows)}\n`;
}

/** The lines of a text, each made printable: text from Consul or the cluster cannot add colours. */
function linesOf(text: string): readonly string[] {
  return text.split('\n').map((line) => printable(line));
}

/** The report as JSON. */
export function renderJson({ ok, rows }: Report): string {
  return `${JSON.stringify({ ok, rows }, undefined, 2)}\n`;
}

function summary(rows: readonly Row[]): string {
  const count = (status: Row['status']): number => rows.filter((row) => row.status === status).length;
  const first = rows.find(({ status }) => status === 'fail');
  const counts = `${count('pass')} PASS, ${count('warn')} WARN, ${count('fail')} FAIL, ${count('skipped')} skipped`;
  return first === undefined ? counts : `${counts}. Fix the first FAIL first: ${first.what}`;
}
