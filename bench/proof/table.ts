import { CONFIGURATIONS, type EnvoyRow } from './envoy-rows.ts';
import { type ClientName, refused } from './load.ts';
import type { Proof, Row } from './proof.ts';

type Cell = string | number;

/** The proof as Markdown: a table of every client, one of every Envoy, and the reasons of the marks in the first. */
export function table(proof: Proof): string {
  const { rows, clients, envoyRows } = proof;
  const notes = [...new Set(rows.filter(broken).map(noteOf))];
  const mark = (row: Row) => (broken(row) ? ` [${notes.indexOf(noteOf(row)) + 1}]` : '');
  const lines = rows.map((row): Cell[] => [
    row.event + mark(row),
    seconds(row.to - row.from),
    sum(Object.values(row.outcomes).map(({ sent }) => sent)),
    ...clients.map((client) => row.outcomes[client].failed),
    row.writes,
  ]);
  const total = [
    'all',
    seconds(sum(rows.map(({ from, to }) => to - from))),
    sum(rows.flatMap(({ outcomes }) => Object.values(outcomes).map(({ sent }) => sent))),
    ...clients.map((client) => failedOf(rows, client)),
    sum(rows.map(({ writes }) => writes)),
  ];
  return [
    markdown(
      ['Event', 'Seconds', 'Requests', ...clients.map((client) => `${client} failed`), 'Writes'],
      [...lines, total],
    ),
    ...notes.map((note, index) => `[${index + 1}] ${note}.`),
    ...(envoyRows.length === 0 ? [] : [envoyTable(envoyRows)]),
  ].join('\n\n');
}

/** One line for each Envoy and event in which something was written or failed, and a total for each Envoy. */
function envoyTable(rows: readonly EnvoyRow[]): string {
  const cells = (name: string, mine: readonly EnvoyRow[]): Cell[] => {
    const total = (of: (row: EnvoyRow) => number) => sum(mine.map(of));
    const handshakes = mine.flatMap(({ handshakesAfterMs }) => handshakesAfterMs);
    return [
      name,
      mine[0]?.configuration ?? '',
      total(({ requests }) => requests),
      total(({ failed }) => failed),
      total(({ controlFailed }) => controlFailed),
      total(({ writes }) => writes),
      `${total(({ clustersModified }) => clustersModified)}, ${total(({ contextsReplaced }) => contextsReplaced)}`,
      total(({ listenersModified }) => listenersModified),
      handshakes.map((ms) => (ms / 1_000).toFixed(2)).join(', '),
    ];
  };
  const shown = rows.filter(({ writes, failed }) => writes > 0 || failed > 0);
  const totals = Object.values(CONFIGURATIONS).map((each) =>
    cells(
      'all',
      rows.filter(({ configuration }) => configuration === each),
    ),
  );
  const head =
    'Event|Envoy reads|Requests|Failed|Control failed|Writes|Clusters replaced, by SDS|Listeners modified|Seconds to the first handshake';
  return markdown(head.split('|'), [...shown.map((row) => cells(row.event, [row])), ...totals]);
}

/** The first few reasons of every row and client that failed. */
export function reasons({ rows }: Proof): string {
  return rows
    .flatMap(({ event, from, outcomes }) =>
      Object.entries(outcomes).flatMap(([client, { failed, timedOut, failing, reasons }]) => {
        const slow = timedOut === 0 ? [] : [`${event}: ${client}: ${timedOut} timed out`];
        if (failing === undefined) return slow;
        const [first, last] = failing.map((at) => ((at - from) / 1_000).toFixed(1));
        const count = failed - timedOut;
        return [
          `${event}: ${client}: ${count} between ${first} s and ${last} s: ${reasons.join('; ')}`,
          ...slow,
        ];
      }),
    )
    .join('\n');
}

function markdown(head: readonly string[], lines: readonly (readonly Cell[])[]): string {
  return [
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, column) => (typeof lines[0]?.[column] === 'number' ? '---:' : '---')).join(' | ')} |`,
    ...lines.map((line) => `| ${line.join(' | ')} |`),
  ].join('\n');
}

function broken({ outcomes }: Row): boolean {
  return refused(outcomes['reference client']) > 0;
}

const noteOf = ({ note }: Row): string => note ?? 'not explained';
const failedOf = (rows: readonly Row[], client: ClientName) =>
  sum(rows.map(({ outcomes }) => outcomes[client].failed));
const seconds = (milliseconds: number) => Math.round(milliseconds / 1_000);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
