import type { LogEvent } from '../event-log.ts';
import { type Html, html } from './html.ts';
import { timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** What was written and why, and what was not. */
export function history({ at, writes, troubles }: View): Html {
  return html`<section aria-labelledby="story">
<h2 id="story">Since this process started</h2>
<div class="pair">
<div>
<h3>Written</h3>
${episodes(writes, at, 'Nothing: what is published was good.')}</div>
<div>
<h3>Refused, and other warnings</h3>
${episodes(troubles, at, 'Nothing.')}</div>
</div>
</section>
`;
}

function episodes(told: readonly LogEvent[], at: number, none: string): Html {
  if (told.length === 0) return html`<p class="quiet">${none}</p>\n`;
  return html`<ol class="episodes">
${told.map((episode) => episodeItem(episode, at))}</ol>
`;
}

function episodeItem({ at: then, text, code, remedy }: LogEvent, at: number): Html {
  return html`<li><p class="when">${timestamp(then, at)}</p>
<p>${reasonOf(text)}${code === undefined ? undefined : html` <code>${code}</code>`}</p>
${remedy === undefined ? undefined : html`<p class="remedy"><b>Remedy:</b> ${remedy}</p>\n`}</li>
`;
}

/** Reasons begin with their count, as in `renewal-due: the published leaf has 38 % of its lifetime left`. */
function reasonOf(text: string): Html {
  const [, count, detail] = /^([a-z-]+): (.*)$/s.exec(text) ?? [];
  return count === undefined || detail === undefined ? html`${text}` : html`<b>${count}</b>: ${detail}`;
}
