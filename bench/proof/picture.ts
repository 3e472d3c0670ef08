import type { ClientName } from './load.ts';
import type { Proof } from './proof.ts';

const WIDTH = 800;
const LEFT = 128;
const RIGHT = 784;
const TOP = 116;
const LANE = 30;
const BAR = 16;

const STYLE = `
    text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
    .ground { fill: #ffffff; stroke: #d0d7de; }
    .heading { font-size: 17px; font-weight: 600; }
    .quiet { fill: #57606a; }
    .number { font-weight: 600; text-anchor: middle; }
    .end { text-anchor: end; }
    .middle { text-anchor: middle; }
    .band { fill: #f6f8fa; }
    .alternate { fill: none; }
    .outage { fill: url(#hatched); }
    .hatch { stroke: #8c959f; stroke-width: 1.5; }
    .edge { stroke: #d0d7de; }
    .good { fill: #1a7f37; }
    .bad { fill: #cf222e; }
    .mark { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .ground { fill: #0d1117; stroke: #30363d; }
      .quiet { fill: #9198a1; }
      .band { fill: #161b22; }
      .edge { stroke: #30363d; }
      .hatch { stroke: #6e7681; }
      .good { fill: #3fb950; }
      .bad { fill: #f85149; }
      .mark { fill: #58a6ff; }
    }`;

/** The time line as an SVG of its own background, for light and dark pages, 800 px wide. */
export function picture({ subject, clients, rows, samples, reloads, presented, writes }: Proof): string {
  const start = rows[0]?.from ?? 0;
  const end = rows.at(-1)?.to ?? start + 1;
  const x = (at: number) => round(LEFT + ((at - start) / (end - start)) * (RIGHT - LEFT));
  const lanes = [
    ...clients,
    ...(clients.includes('envoy') ? ['envoy pushes', 'envoy new leaf'] : []),
    ...clients.filter((name) => name === 'nginx' || name === 'haproxy').map((name) => `${name} reloads`),
    'identity writes',
    // The old program has one Secret.
    ...(subject === 'old' ? [] : ['bundle writes']),
  ];
  const bottom = TOP + lanes.length * LANE;
  const legend = bottom + 52;
  const half = Math.ceil(rows.length / 2);
  const height = legend + half * 21 + 14;
  const middle = (lane: string) => TOP + lanes.indexOf(lane) * LANE + LANE / 2;
  const publishes = subject === 'old' ? "the old program's way" : 'the connector';

  const bands = rows.map(({ from, to, note }, index) => {
    const place = `x="${x(from)}" y="${TOP}" width="${round(x(to) - x(from))}" height="${bottom - TOP}"`;
    const hatching = note === undefined ? '' : `\n  <rect class="outage" ${place}/>`;
    return `<rect class="${index % 2 === 0 ? 'band' : 'alternate'}" ${place}/>${hatching}
  <text class="number" x="${round((x(from) + x(to)) / 2)}" y="${TOP - 8}">${index + 1}</text>`;
  });
  const names = lanes.map(
    (lane) => `<text class="end" x="${LEFT - 10}" y="${middle(lane) + 5}">${lane}</text>`,
  );
  const bars = clients.flatMap((client) => {
    const y = middle(client) - BAR / 2;
    const failing = failingSeconds(samples, client, start).map(([from, to]) => {
      const left = x(start + from * 1_000);
      const width = round(Math.max(2, x(start + to * 1_000) - left));
      return `<rect class="bad" x="${left}" y="${y - 3}" width="${width}" height="${BAR + 6}"/>`;
    });
    return [`<rect class="good" x="${LEFT}" y="${y}" width="${RIGHT - LEFT}" height="${BAR}"/>`, ...failing];
  });
  const mark = (lane: string, at: number) =>
    `<rect class="mark" x="${x(at) - 1.5}" y="${middle(lane) - 9}" width="3" height="18"/>`;
  const marks = [
    ...reloads.filter(inside).map(({ gateway, at }) => mark(laneOf(gateway), at)),
    ...presented.filter(inside).map(({ at }) => mark('envoy new leaf', at)),
    ...writes.filter(inside).map(({ of, at }) => mark(`${of} writes`, at)),
  ];
  function inside({ at }: { readonly at: number }): boolean {
    return at >= start && at <= end;
  }
  const minutes = Array.from({ length: Math.floor((end - start) / 60_000) + 1 }, (_, minute) => {
    const at = x(start + minute * 60_000);
    return `<path class="edge" d="M${at} ${bottom}v6"/><text class="quiet middle" x="${at}" y="${bottom + 21}">${minute} min</text>`;
  });
  const key = rows.map(({ event }, index) => {
    const at = index < half ? 24 : WIDTH / 2 + 12;
    return `<text x="${at}" y="${legend + (index % half) * 21}"><tspan font-weight="600">${index + 1}</tspan>  ${event}</text>`;
  });
  const failedIn = (mine: Proof['rows']) =>
    clients
      .map((client) => `${client} ${mine.reduce((sum, { outcomes }) => sum + outcomes[client].failed, 0)}`)
      .join(', ');
  const failed = failedIn(rows);
  const inEachRow = rows.map(
    (row, index) => `${index + 1}, ${row.event}: ${failedIn([row])} failed, ${row.writes} writes.`,
  );
  const sent = samples.filter(inside).length.toLocaleString('en-US');

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
  <title id="title">Failed requests into the mesh while certificates and roots change, published by ${publishes}</title>
  <desc id="desc">A time line of ${rows.length} events. Of ${sent} requests failed: ${failed}. ${inEachRow.join(' ')}</desc>
  <style>${STYLE}
  </style>
  <rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
  <defs><pattern id="hatched" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V8"/></pattern></defs>
  <text class="heading" x="24" y="32">Failed requests while certificates and roots change</text>
  <rect class="good" x="24" y="45" width="12" height="12"/><text class="quiet" x="42" y="56">all answered</text>
  <rect class="bad" x="140" y="45" width="12" height="12"/><text class="quiet" x="158" y="56">a second with a failed request</text>
  <rect class="band" x="368" y="45" width="12" height="12"/><rect class="outage" x="368" y="45" width="12" height="12"/><text class="quiet" x="386" y="56">Consul does not answer the sidecars</text>
  <text class="quiet" x="24" y="78">Failed of ${sent}: ${failed.replaceAll(', envoy ', ', ')}</text>
  <g>${bands.join('\n  ')}</g>
  ${[...names, ...bars, ...marks, ...minutes, ...key].join('\n  ')}
</svg>
`;
}

function laneOf(gateway: string): string {
  return gateway.startsWith('envoy') ? 'envoy pushes' : `${gateway} reloads`;
}

/** The seconds since `start` in which a request of the client failed, adjacent ones together, as [from, to). */
function failingSeconds(samples: Proof['samples'], client: ClientName, start: number): [number, number][] {
  const seconds = samples
    .filter((sample) => sample.client === client && sample.failure !== undefined)
    .map(({ at }) => Math.floor((at - start) / 1_000));
  const spans: [number, number][] = [];
  for (const second of [...new Set(seconds)].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last?.[1] === second) last[1] = second + 1;
    else spans.push([second, second + 1]);
  }
  return spans;
}

const round = (value: number) => Math.round(value * 10) / 10;
