import type { Proof, Row } from './proof.ts';

const HEAD = [
  'Event',
  'Seconds',
  'Requests',
  'nginx failed',
  'haproxy failed',
  'perfect client failed',
  'Reloads nginx, haproxy',
  'Writes',
];

/** The proof as a Markdown table, with a note below it for each row in which the mesh lets nobody in. */
export function table({ rows }: Proof): string {
  const notes = [...new Set(rows.filter(broken).map(({ note }) => note ?? 'not explained'))];
  const mark = (row: Row) => (broken(row) ? ` [${notes.indexOf(row.note ?? 'not explained') + 1}]` : '');
  const lines = rows.map((row) => [
    row.event + mark(row),
    seconds(row.to - row.from),
    sum(Object.values(row.outcomes).map(({ sent }) => sent)),
    row.outcomes.nginx.failed,
    row.outcomes.haproxy.failed,
    row.outcomes['perfect client'].failed,
    `${row.reloads.nginx}, ${row.reloads.haproxy}`,
    row.writes,
  ]);
  const total = [
    'all',
    seconds(sum(rows.map(({ from, to }) => to - from))),
    ...[2, 3, 4, 5].map((column) => sum(lines.map((line) => Number(line[column])))),
    `${sum(rows.map(({ reloads }) => reloads.nginx))}, ${sum(rows.map(({ reloads }) => reloads.haproxy))}`,
    sum(rows.map(({ writes }) => writes)),
  ];
  return [
    `| ${HEAD.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(HEAD.length - 1)}`,
    ...[...lines, total].map((line) => `| ${line.join(' | ')} |`),
    ...notes.flatMap((note, index) => ['', `[${index + 1}] ${note}.`]),
  ].join('\n');
}

/** The first few reasons of every row and client that failed. */
export function reasons({ rows }: Proof): string {
  return rows
    .flatMap(({ event, from, outcomes }) =>
      Object.entries(outcomes).flatMap(([client, { failed, failing, reasons }]) => {
        if (failing === undefined) return [];
        const [first, last] = failing.map((at) => ((at - from) / 1_000).toFixed(1));
        return [`${event}: ${client}: ${failed} between ${first} s and ${last} s: ${reasons.join('; ')}`];
      }),
    )
    .join('\n');
}

function broken({ outcomes }: Row): boolean {
  return outcomes['perfect client'].failed > 0;
}

const seconds = (milliseconds: number) => Math.round(milliseconds / 1_000);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
