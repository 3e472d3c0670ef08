import type { DirectoryTarget, KubernetesTarget } from '../../publish/target.ts';
import { type Html, html } from './html.ts';
import type { View } from './view.ts';

/** The published objects or files, with commands to view them. */
export function objects({ setup: { target } }: View): Html {
  return target.kind === 'directory' ? files(target) : kubernetesObjects(target);
}

function files({ directory }: DirectoryTarget): Html {
  return section('Files', [
    item('Folder', directory, `ls -lA ${quoted(directory)}`),
    html`<div><dt>Set by</dt><dd><code>_OUTPUT_DIR=${quoted(directory)}</code></dd></div>\n`,
  ]);
}

/** In the order of writing. */
function kubernetesObjects({ upstreamCaSecret, secret, service }: KubernetesTarget): Html {
  const written = [
    ['Secret of the roots', 'secret', upstreamCaSecret],
    ['Secret', 'secret', secret],
    ['Service', 'service', service],
  ] as const;
  return section(
    'Objects',
    written.flatMap(([what, kind, object]) =>
      object === undefined
        ? []
        : [item(what, object.name, `kubectl -n ${object.namespace} describe ${kind} ${object.name}`)],
    ),
  );
}

function section(title: string, items: readonly Html[]): Html {
  return html`<section aria-labelledby="objects">
<h2 id="objects">${title}</h2>
<dl class="rows">
${items}</dl>
</section>
`;
}

function item(what: string, name: string, command: string): Html {
  return html`<div><dt>${what}</dt><dd><code>${name}</code><code class="command">${command}</code></dd></div>\n`;
}

/** Quoted for a shell if necessary. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
