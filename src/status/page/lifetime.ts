import { lifetimeLeft } from '../../identity/identity.ts';
import { RENEWAL_DUE_BELOW, UNREADY_BELOW } from '../../identity/policy/thresholds.ts';
import { type Html, html } from './html.ts';
import { absolute, relative } from './timestamp.ts';
import type { View } from './view.ts';

/** The points of renewal and of unreadiness, in percent of the lifetime. */
const RENEWAL = 100 * (1 - RENEWAL_DUE_BELOW);
const UNREADY = 100 * (1 - UNREADY_BELOW);
/** Within this distance from an end, in percent, the word `now` would be cut off on a phone. */
const EDGE = 8;

/** The leaf's lifetime as a bar: the elapsed part, the remaining stages, and the current time. */
export function lifetime({ at, health: { published } }: View): Html | undefined {
  if (published === undefined) return undefined;
  const { leaf, notAfter } = published;
  const { notBefore } = leaf;
  const at100 = (percent: number): number => notBefore + (percent / 100) * (notAfter - notBefore);
  return html`<section aria-labelledby="lifetime">
<h2 id="lifetime">Lifetime of the leaf</h2>
<figure>
${bar(100 * (1 - lifetimeLeft(published, at)))}
<figcaption><dl class="legend">
<div><dt>Valid from</dt><dd>${absolute(notBefore)}</dd><dd class="quiet">${relative(notBefore, at)}</dd></div>
<div class="renewal"><dt>Renewal from</dt><dd>${absolute(at100(RENEWAL))}</dd><dd class="quiet">${relative(at100(RENEWAL), at)}</dd></div>
<div class="unready"><dt>Unready from</dt><dd>${absolute(at100(UNREADY))}</dd><dd class="quiet">${relative(at100(UNREADY), at)}</dd></div>
<div class="end"><dt>${notAfter > at ? 'Expires' : 'Expired'}</dt><dd>${absolute(notAfter)}</dd><dd class="quiet">${relative(notAfter, at)}</dd></div>
</dl></figcaption>
</figure>
</section>
`;
}

/** @param over the elapsed share of the lifetime in percent; over 100 for an expired leaf */
function bar(over: number): Html {
  const now = Math.min(Math.max(over, 0), 100);
  const anchor = now < EDGE ? 'start' : now > 100 - EDGE ? 'end' : 'middle';
  const stretches = [
    ['fresh', 0, RENEWAL],
    ['renewal', RENEWAL, UNREADY],
    ['unready', UNREADY, 100],
    ['over', 0, now],
  ] as const;
  return html`<svg class="bar" width="100%" height="46" role="img" aria-label="${describe(over)}">
<defs><clipPath id="ends"><rect y="22" width="100%" height="14" rx="7"/></clipPath></defs>
<g clip-path="url(#ends)">
${stretches.map(
  ([name, from, to]) =>
    html`<rect class="${name}" x="${percent(from)}" y="22" width="${percent(to - from)}" height="14"/>\n`,
)}</g>
${[RENEWAL, UNREADY].map(
  (at) => html`<line class="tick" x1="${percent(at)}" x2="${percent(at)}" y1="22" y2="43"/>\n`,
)}<line class="now" x1="${percent(now)}" x2="${percent(now)}" y1="17" y2="41"/>
<text class="now" x="${percent(now)}" y="11" text-anchor="${anchor}">now</text>
</svg>`;
}

function describe(over: number): string {
  const zone =
    over >= 100
      ? 'the leaf has expired'
      : over > UNREADY
        ? 'past the point of unreadiness'
        : over > RENEWAL
          ? 'past the point of renewal'
          : 'before the point of renewal';
  const points = `Renewal begins at ${Math.round(RENEWAL)} %, unready at ${Math.round(UNREADY)} %.`;
  return `${Math.min(Math.max(Math.floor(over), 0), 100)} % of the lifetime has passed: ${zone}. ${points}`;
}

function percent(value: number): string {
  return `${Number(value.toFixed(2))}%`;
}
