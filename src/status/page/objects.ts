import { type Html, html } from './html.ts';
import type { View } from './view.ts';

/** In the order of writing: the key in the target, and what it is. */
const KINDS = [
  ['upstreamCaSecret', 'secret', 'Secret of the roots'],
  ['secret', 'secret', 'Secret'],
  ['service', 'service', 'Service'],
] as const;

/** What is written where, and how to look at it. */
export function objects({ setup: { target } }: View): Html {
  const { directory } = target;
  const items =
    directory === undefined
      ? KINDS.flatMap(([key, kind, what]) => {
          const [namespace, name] = target[key]?.split('/') ?? [];
          if (namespace === undefined || name === undefined) return [];
          return [item(what, name, `kubectl -n ${namespace} describe ${kind} ${name}`)];
        })
      : [item('Folder', directory, `ls -lA ${quoted(directory)}`)];
  const title = directory === undefined ? 'Objects' : 'Files';
  return html`<section aria-labelledby="objects">
<h2 id="objects">${title}</h2>
<dl class="rows">
${items}${
  directory === undefined
    ? undefined
    : html`<div><dt>Set by</dt><dd><code>_OUTPUT_DIR=${quoted(directory)}</code></dd></div>\n`
}</dl>
</section>
`;
}

function item(what: string, name: string, command: string): Html {
  return html`<div><dt>${what}</dt><dd><code>${name}</code><code class="command">${command}</code></dd></div>\n`;
}

/** For a shell, where that is needed. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
