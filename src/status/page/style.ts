/** A single column. Colours are defined once for light and once for dark mode; all text has a contrast of at least 4.5:1. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f3; --card: #ffffff; --line: #dedfd9; --text: #20211e; --quiet: #5c5e57;
  --good: #17693a; --good-ground: #e4f3e9; --note: #7f4c00; --note-ground: #fcefd6;
  --bad: #ad1f16; --bad-ground: #fce8e6; --fresh: #58b57c; --renewal: #e2a93b; --unready: #d9594c; --over: #c3c4bc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141512; --card: #1d1e1b; --line: #34362f; --text: #ebebe4; --quiet: #a5a79d;
    --good: #7fd39b; --good-ground: #1a3324; --note: #f1bd68; --note-ground: #3a2b10;
    --bad: #ff9a8f; --bad-ground: #43201c; --fresh: #3f9a62; --renewal: #bd8420; --unready: #c2493d; --over: #55574e;
  }
}
* { box-sizing: border-box; margin: 0; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  max-width: 62rem; margin: 0 auto; padding: 1.25rem clamp(1rem, 4vw, 2.5rem) 2.5rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1.5rem; font-size: .875rem; }
.product { font-weight: 600; }
.product .quiet { font-weight: 400; }
#live { color: var(--quiet); }
#live.live::before { content: ''; display: inline-block; width: .5rem; height: .5rem; margin-right: .45rem; border-radius: 50%; background: var(--fresh); }
#live.lost { color: var(--bad); font-weight: 600; }
h1 { font-size: clamp(1.6rem, 1.2rem + 2vw, 2.1rem); line-height: 1.15; font-weight: 650; letter-spacing: -.015em; text-wrap: balance; }
h2 { margin-bottom: .75rem; font-size: 1.0625rem; font-weight: 650; }
h3 { font-size: .9375rem; font-weight: 650; }
section { margin-top: 2.25rem; }
.overall { margin-top: 1.5rem; padding: 1.35rem 1.5rem 1.4rem; border-radius: .75rem; background: var(--card); border: 1px solid var(--line); border-left: .375rem solid var(--over); }
.overall p { margin-top: .4rem; font-size: 1.0625rem; }
.overall.good { border-left-color: var(--fresh); }
.overall.good h1 { color: var(--good); }
.overall.note { border-left-color: var(--renewal); }
.overall.note h1 { color: var(--note); }
.overall.bad { border-left-color: var(--unready); }
.overall.bad h1 { color: var(--bad); }
.quiet, .rel, .when, .where { color: var(--quiet); }
time, .rel { white-space: nowrap; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: .875em; }
figure { padding: 1.1rem 1.5rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.bar { display: block; overflow: visible; }
.bar .fresh { fill: var(--fresh); }
.bar .renewal { fill: var(--renewal); }
.bar .unready { fill: var(--unready); }
.bar .over { fill: var(--over); }
.bar .tick { stroke: var(--quiet); }
.bar line.now { stroke: var(--text); stroke-width: 3; stroke-linecap: round; }
.bar text { fill: var(--text); font-size: .8125rem; font-weight: 650; }
.legend { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .85rem 1.25rem; margin-top: .75rem; font-size: .875rem; }
.legend dt { font-weight: 650; }
.legend dt::before { content: ''; display: inline-block; width: .625rem; height: .625rem; margin-right: .45rem; border-radius: .1875rem; background: var(--fresh); }
.legend .renewal dt::before { background: var(--renewal); }
.legend .unready dt::before { background: var(--unready); }
.legend .end dt::before { display: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem 1.25rem; }
.card { padding: 1.1rem 1.5rem 1.2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.where { font-size: .875rem; }
ul, ol { padding: 0; list-style: none; }
.states { margin-top: .7rem; font-size: .9375rem; }
.states > div { display: grid; grid-template-columns: 5.75rem 5rem minmax(0, 1fr); gap: 0 .5rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.states > div:last-child { padding-bottom: 0; }
.states dt { font-weight: 600; }
.small { font-size: .8125rem; }
.problems { margin-top: 0; }
.problem { margin-top: .75rem; padding: 1rem 1.5rem 1.1rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
.problem.note { border-left: .375rem solid var(--renewal); }
.problem.bad { border-left: .375rem solid var(--unready); }
.problem h2 { margin-bottom: .25rem; font-size: .9375rem; }
.problem p + p { margin-top: .35rem; }
.problem .quiet { font-size: .875rem; }
.chip { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--line); color: var(--text); font-size: .8125rem; font-weight: 600; line-height: 1.45; }
.chip.good { background: var(--good-ground); color: var(--good); }
.chip.note { background: var(--note-ground); color: var(--note); }
.chip.bad { background: var(--bad-ground); color: var(--bad); }
.rows > div { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 0 1rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.rows dt { color: var(--quiet); }
.command { display: block; margin-top: .25rem; color: var(--quiet); }
.command::before { content: '$ '; user-select: none; }
.roots li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.roots .chip { margin-left: .4rem; }
.roots + p { margin-top: .5rem; }
.pair h3 + .events, .pair h3 + .quiet { margin-top: .4rem; }
.events li { padding: .6rem 0; border-top: 1px solid var(--line); }
.when { font-size: .875rem; }
.as-of { margin-top: 2.25rem; font-size: .875rem; }
footer { margin-top: .25rem; font-size: .875rem; color: var(--quiet); }
a { color: inherit; text-underline-offset: .15em; }
a:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
@media (max-width: 34rem) {
  .rows > div, .roots li { grid-template-columns: minmax(0, 1fr); }
  .states > div { grid-template-columns: minmax(0, 1fr) auto; }
  .states dd:last-child { grid-column: 1 / -1; }
  .overall, figure, .card, .problem { padding-left: 1.1rem; padding-right: 1.1rem; }
}
@media print { body { max-width: none; } }
`;
