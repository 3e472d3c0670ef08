import type { Part, Problem, Source } from '../health.ts';
import { type Html, html } from './html.ts';
import { absolute, moment, relative } from './moment.ts';
import type { View } from './view.ts';

/** Both sides: who answers, since when one does not, why, and what mends it. */
export function connections(view: View): Html {
  return html`<section aria-labelledby="connections">
<h2 id="connections">Connections</h2>
<div class="pair">
${consul(view)}${place(view)}</div>
</section>
`;
}

function consul(view: View): Html {
  const { setup, health } = view;
  const offered = health.problems.get('trust') ?? health.problems.get('candidate');
  const isOffered = health.trust !== undefined || offered !== undefined;
  return html`<div class="card">
<h3>Consul</h3>
<p class="where">${setup.consulServers.map((url) => html`<code>${url}</code> `)}</p>
<ul class="states">
${state(view, 'Roots', ['roots'], 'roots')}${state(view, 'Leaf', ['leaf'], 'leaf')}${
  isOffered ? state(view, 'What it sent', ['trust', 'candidate'], undefined, 'can be used') : undefined
}</ul>
</div>
`;
}

function place(view: View): Html {
  const { directory, kubernetes, service } = view.setup.target;
  if (directory !== undefined) {
    return html`<div class="card">
<h3>Folder</h3>
<p class="where"><code>${directory}</code></p>
<ul class="states">
${state(view, 'Files', ['identity'], undefined, 'can be used')}</ul>
</div>
`;
  }
  const watches = [...view.health.problems.keys()].filter((part) => part.startsWith('watch '));
  return html`<div class="card">
<h3>Kubernetes</h3>
<p class="where"><code>${kubernetes}</code></p>
<ul class="states">
${state(view, 'Secret', ['identity'], undefined, 'can be read and written')}${
  service === undefined ? undefined : state(view, 'Service', ['service'], undefined, 'tells the gateway')
}${state(view, 'Watches', watches, 'kubernetes')}</ul>
</div>
`;
}

/** One line: the first problem of `parts`, or else the last answer of `source`, or else `well`. */
function state(
  { at, health }: View,
  name: string,
  parts: readonly Part[],
  source: Source | undefined,
  well?: string,
): Html {
  const heard = source === undefined ? undefined : health.heard.get(source);
  const answer = heard === undefined ? undefined : html`last answer ${moment(heard.at, at)}`;
  const problem = parts.map((part) => health.problems.get(part)).find((found) => found !== undefined);
  if (problem?.code !== undefined) return problemItem(name, problem, problem.code, answer, at);
  const stale = source === 'roots' && (heard?.ageSeconds ?? 0) > 0;
  if (problem !== undefined || (answer === undefined && well === undefined)) {
    return html`<li><b>${name}</b> <span class="chip">waiting</span></li>\n`;
  }
  const chip = stale ? html`<span class="chip note">stale</span>` : html`<span class="chip good">ok</span>`;
  const age = stale ? html`, from a cache ${String(heard?.ageSeconds)} s old` : undefined;
  return html`<li><b>${name}</b> ${chip} <span class="quiet">${answer ?? well}${age}</span></li>\n`;
}

function problemItem(
  name: string,
  { error, remedy, since }: Problem,
  code: string,
  answer: Html | undefined,
  at: number,
): Html {
  return html`<li class="problem"><b>${name}</b> <span class="chip bad">problem</span> <span class="quiet">since ${absolute(since)}, ${relative(since, at)}</span>
<p>${error}</p>
${remedy === undefined ? undefined : html`<p class="remedy"><b>Remedy:</b> ${remedy}.</p>\n`}<p class="quiet"><code>${code}</code>${
    answer === undefined ? undefined : html`; ${answer}`
  }</p></li>
`;
}
