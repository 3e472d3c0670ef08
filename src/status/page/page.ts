import { createHash } from 'node:crypto';
import { connections } from './connections.ts';
import { history } from './history.ts';
import { type Html, html } from './html.ts';
import { identity, roots } from './identity.ts';
import { lifetime } from './lifetime.ts';
import { objects } from './objects.ts';
import { overallStatusOf, windowTitle } from './overall-status.ts';
import { problems } from './problems.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { absolute } from './timestamp.ts';
import type { View } from './view.ts';

/** A dot, so that browsers do not request /favicon.ico. */
const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='6' fill='%23188038'/></svg>";

/** Allows only this style and script, and requests to this port; forbids framing. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The complete, self-contained page. All text of `view` is escaped. */
export function renderPage(view: View): string {
  const { version } = view.setup;
  // Inserted unescaped: the hashes are of the exact text between the tags.
  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${windowTitle(view)}</title>
<link rel="icon" href="${ICON}">
<style>`;
  const body = html`</style>
</head>
<body>
<header>
<p class="product">ambassador-consul-connector <span class="quiet">${version}</span></p>
<p id="live" role="status">Reload to update</p>
</header>
<main>
${main(view)}</main>
<footer>
<p>Nothing here is secret. For programs: <a href="metrics">metrics</a>, <a href="readyz">readyz</a>, <a href="livez">livez</a>.</p>
</footer>
<script>`;
  return `${head}${STYLE}${body}${SCRIPT}</script>\n</body>\n</html>\n`;
}

/** The dynamic part of the page: the content of `main`. */
export function renderMain(view: View): string {
  return main(view).toString();
}

function main(view: View): Html {
  const { tone, title, meaning } = overallStatusOf(view);
  return html`<div class="overall ${tone}" data-title="${windowTitle(view)}">
<h1>${title}</h1>
<p>${meaning}</p>
</div>
${problems(view)}${lifetime(view)}${connections(view)}${identity(view)}${roots(view)}${history(view)}${objects(view)}<p class="quiet as-of">As of <span id="as-of">${absolute(view.at)}</span></p>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
