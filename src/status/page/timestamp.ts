import { type Html, html } from './html.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A time, absolute in UTC and relative to `now`; both in milliseconds since the epoch. */
export function timestamp(at: number, now: number): Html {
  return html`${absolute(at)}, <span class="rel">${relative(at, now)}</span>`;
}

/** A time as `2026-11-25 18:45:05 UTC`. */
export function absolute(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** `in 2 d 23 h`, `12 s ago`, `now`. */
export function relative(at: number, now: number): string {
  const distance = span(Math.abs(at - now));
  if (distance === undefined) return 'now';
  return at > now ? `in ${distance}` : `${distance} ago`;
}

/** At most two units, the smaller one only if it is significant. */
function span(ms: number): string | undefined {
  if (ms < SECOND) return undefined;
  if (ms < 2 * MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return two(ms, HOUR, 'h', MINUTE, 'min');
  if (ms < 100 * DAY) return two(ms, DAY, 'd', HOUR, 'h');
  if (ms < 2 * YEAR) return `${Math.floor(ms / DAY)} d`;
  return `${Math.floor(ms / YEAR)} y`;
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  const whole = `${Math.floor(ms / large)} ${largeName}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallName}`;
}
