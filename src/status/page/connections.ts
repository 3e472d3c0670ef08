import type { Component, Problem, Source } from '../health.ts';
import { Html, html } from './html.ts';
import { absolute, relative } from './timestamp.ts';
import type { View } from './view.ts';

/** Consul and the target, each with its last answer. Problems and remedies are shown above in full. */
export function connections(view: View): Html {
  return html`<section aria-labelledby="connections">
<h2 id="connections">Connections</h2>
<div class="pair">
${consul(view)}${target(view)}</div>
</section>
`;
}

function consul(view: View): Html {
  const { setup, health } = view;
  const known = health.trust === undefined ? undefined : 'can be used';
  return card('Consul', setup.consulServers, [
    state(view, 'Roots', ['roots'], answerOf(view, 'roots', ['roots'])),
    state(view, 'Leaf', ['leaf'], answerOf(view, 'leaf', ['leaf'])),
    state(view, 'Answers', ['trust', 'candidate'], known),
  ]);
}

function target(view: View): Html {
  const { target } = view.setup;
  const isPublished = view.health.published !== undefined;
  if (target.kind === 'directory') {
    return card(
      'Folder',
      [target.directory],
      [state(view, 'Files', ['identity'], isPublished ? 'in place' : undefined)],
    );
  }
  const watches = [...view.health.problems.keys()].filter((part) => part.startsWith('watch '));
  return card(
    'Kubernetes',
    [target.server],
    [
      state(view, 'API server', watches, answerOf(view, 'kubernetes', watches)),
      state(view, 'Secret', ['identity'], isPublished ? 'in place' : undefined),
      ...(target.service === undefined ? [] : [state(view, 'Service', ['service'], 'in place')]),
    ],
  );
}

function card(title: string, addresses: readonly string[], states: readonly Html[]): Html {
  return html`<div class="card">
<h3>${title}</h3>
<p class="where">${addresses.map((address) => html`<code>${address}</code> `)}</p>
<dl class="states">
${states}</dl>
</div>
`;
}

/** How long ago it was is left out beside a problem: an outage that has just begun would be "last answer now". */
function answerOf(view: View, source: Source, parts: readonly Component[]): Html | undefined {
  const answer = view.health.lastAnswers.get(source);
  if (answer === undefined) return undefined;
  const { staleSeconds } = answer;
  const isFailing = problemOf(view, parts)?.code !== undefined;
  const ago = isFailing ? undefined : ` ${relative(answer.at, view.at)}`;
  const stale =
    staleSeconds === undefined ? undefined : html` <span class="chip note">stale by ${staleSeconds} s</span>`;
  return html`last answer${ago}${stale}<br><span class="small">${absolute(answer.at)}</span>`;
}

function problemOf({ health }: View, parts: readonly Component[]): Problem | undefined {
  return parts.map((part) => health.problems.get(part)).find((found) => found !== undefined);
}

/** One line: a problem of one of `parts`, otherwise the `known` state; without one, waiting. */
function state(
  view: View,
  name: string,
  parts: readonly Component[],
  known: Html | string | undefined,
): Html {
  const problem = problemOf(view, parts);
  const chip =
    problem?.code !== undefined
      ? html`<span class="chip bad">problem</span>`
      : problem !== undefined || known === undefined
        ? html`<span class="chip">waiting</span>`
        : html`<span class="chip good">ok</span>`;
  // A problem is described above; here only the last answer is shown.
  const detail = problem === undefined || known instanceof Html ? known : undefined;
  return html`<div><dt>${name}</dt><dd>${chip}</dd><dd class="quiet">${detail}</dd></div>\n`;
}
