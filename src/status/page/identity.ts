import type { Chain } from '../../identity/chain.ts';
import { type Certificate, issuerOf, subjectOf } from '../../identity/x509/certificate.ts';
import type { Trust } from '../health.ts';
import { type Html, html } from './html.ts';
import { timestamp } from './timestamp.ts';
import type { View } from './view.ts';

/** The gateway's identity in the mesh, with its CA and its settings. */
export function identity({ at, setup, health: { published } }: View): Html {
  const { ambassadorId, consulService, tlsContext } = setup;
  const known =
    published === undefined
      ? []
      : [
          row('SPIFFE ID', html`<code>${published.spiffeId.uri}</code>`),
          row('Serial number', html`<code>${published.leaf.serialNumber}</code>`),
          row('Issuer', html`${issuerOf(published.leaf)}`),
          row('Chains to', rootOf(published.chain)),
          row('Trust domain', html`<code>${published.spiffeId.trustDomain}</code>`),
          ...published.chain.intermediates.map((each) =>
            row('Intermediate', html`${subjectOf(each)}, until ${timestamp(each.notAfter, at)}`),
          ),
        ];
  return html`<section aria-labelledby="identity">
<h2 id="identity">Identity</h2>
<dl class="rows">
${known}${row('Consul service', html`<code>${consulService}</code>`)}${row(
  'Ambassador ID',
  ambassadorId === '' ? html`none, as for a single gateway` : html`<code>${ambassadorId}</code>`,
)}${row('In Mappings', html`<code>tls: ${tlsContext}</code>`)}</dl>
</section>
`;
}

/** With a cross-signed certificate, a leaf of the active root also chains to an older one. */
function rootOf({ root, activeRoot = root }: Chain): Html {
  return activeRoot === root
    ? html`${subjectOf(root)}`
    : html`${subjectOf(activeRoot)}, and by a cross-signed certificate to ${subjectOf(root)}`;
}

/** The roots for verifying peers, and Consul's roots that are left out. */
export function roots({ at, health: { trust } }: View): Html {
  if (trust === undefined) {
    return html`<section aria-labelledby="roots">
<h2 id="roots">Roots</h2>
<p class="quiet">Consul has not listed any yet.</p>
</section>
`;
  }
  const { bundle, bundleDeferredUntil } = trust;
  return html`<section aria-labelledby="roots">
<h2 id="roots">Roots</h2>
<ul class="roots">
${bundle.anchors.map((root) => rootItem(root, trust, at))}</ul>
${
  bundleDeferredUntil === undefined
    ? undefined
    : html`<p>The new root is cross-signed: it waits for the new leaf, until ${timestamp(bundleDeferredUntil, at)} at most.</p>\n`
}${bundle.dropped.map((why) => html`<p class="quiet">Left out: ${why}.</p>\n`)}</section>
`;
}

function rootItem(root: Certificate, { bundle }: Trust, at: number): Html {
  const isActive = bundle.active.has(root.fingerprint);
  const chip = isActive
    ? html`<span class="chip good">active</span>`
    : html`<span class="chip">still trusted</span>`;
  return html`<li><span>${subjectOf(root)} ${chip}</span> <span class="quiet">until ${timestamp(root.notAfter, at)}</span></li>
`;
}

function row(name: string, value: Html): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`;
}
