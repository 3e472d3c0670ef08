import type { Insecurity } from '../../lib/insecurity.ts';
import type { Component, Problem } from '../health.ts';
import { type Html, html } from './html.ts';
import { timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** The components from cause to effect, with their side and name. */
const PARTS: readonly (readonly [Component, string, string])[] = [
  ['roots', 'Consul', 'roots'],
  ['leaf', 'Consul', 'leaf'],
  ['trust', 'Sent by Consul', 'roots'],
  ['candidate', 'Sent by Consul', 'leaf'],
  ['identity', 'Publishing', 'identity'],
  ['service', 'Publishing', 'Service'],
];

/** The current problems with their remedies. A problem of several components is shown once. */
export function problems({ at, health, setup }: View): Html | undefined {
  const watches = [...health.problems.keys()]
    .filter((part) => part.startsWith('watch '))
    .sort()
    .map((part) => [part, 'Kubernetes', part] as const);
  const shown = new Map<string, { problem: Problem; title: string }>();
  for (const [part, side, what] of [...PARTS, ...watches]) {
    const problem = health.problems.get(part);
    if (problem?.code === undefined) continue;
    // If one server is down, one query may fail with ECONNREFUSED and the other because its connection was closed.
    const cause = `${side} ${problem.code === 'CONSUL_UNREACHABLE' ? problem.code : problem.error}`;
    const same = shown.get(cause);
    if (same === undefined) shown.set(cause, { problem, title: `${side}: ${what}` });
    else same.title += `, ${what}`;
  }
  if (shown.size + setup.insecurities.length === 0) return undefined;
  const tone = health.ready.ok ? 'note' : 'bad';
  return html`<section class="problems" aria-label="Problems">
${[...shown.values()].map(({ problem, title }) => problemBox(title, tone, problem, at))}${setup.insecurities.map(insecurityBox)}</section>
`;
}

function problemBox(title: string, tone: string, { code, error, remedy, since }: Problem, at: number): Html {
  return html`<div class="problem ${tone}">
<h2>${title}</h2>
<p>${error}</p>
${remedy === undefined ? undefined : html`<p><b>Remedy:</b> ${remedy}</p>\n`}<p class="quiet">Since ${timestamp(since, at)}; <code>${code}</code></p>
</div>
`;
}

function insecurityBox({ warning, remedy }: Insecurity): Html {
  return html`<div class="problem note">
<h2>Not secure</h2>
<p>${warning}</p>
<p><b>Remedy:</b> ${remedy}</p>
</div>
`;
}
