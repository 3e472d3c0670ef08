import type { LogEvent } from '../event-log.ts';
import { type Html, html } from './html.ts';
import { timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** Writes with their reasons, rejected answers and other warnings. */
export function history({ at, writes, warnings }: View): Html {
  return html`<section aria-labelledby="history">
<h2 id="history">Since this process started</h2>
<div class="pair">
<div>
<h3>Written</h3>
${events(writes, at, 'None: the published identity was valid.')}</div>
<div>
<h3>Rejected, and other warnings</h3>
${events(warnings, at, 'Nothing.')}</div>
</div>
</section>
`;
}

function events(listed: readonly LogEvent[], at: number, none: string): Html {
  if (listed.length === 0) return html`<p class="quiet">${none}</p>\n`;
  return html`<ol class="events">
${listed.map((event) => eventItem(event, at))}</ol>
`;
}

function eventItem({ at: then, message, code, remedy }: LogEvent, at: number): Html {
  return html`<li><p class="when">${timestamp(then, at)}</p>
<p>${reasonOf(message)}${code === undefined ? undefined : html` <code>${code}</code>`}</p>
${remedy === undefined ? undefined : html`<p class="remedy"><b>Remedy:</b> ${remedy}</p>\n`}</li>
`;
}

/** The cause of a write begins with its reason, as in `renewal-due: the published leaf has 38 % of its lifetime left`. */
function reasonOf(message: string): Html {
  const [, reason, detail] = /^([a-z-]+): (.*)$/s.exec(message) ?? [];
  return reason === undefined || detail === undefined ? html`${message}` : html`<b>${reason}</b>: ${detail}`;
}
