import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { readPage } from '../docs/pages.ts';

const policy = parseAllDocuments(readPage('k8s/ambassador-consul-connector.yaml'))
  .map((each) => each.toJS())
  .find(({ kind }) => kind === 'ValidatingAdmissionPolicy');

/** The text of the TLSContext that the policy allows, with the patches of that overlay. */
function allowed(overlay: string | undefined): string {
  const variables: { name: string; expression: string }[] = structuredClone(policy.spec.variables);
  const patches: { op: string; path: string; value: unknown }[] =
    overlay === undefined ? [] : parse(readPage(`k8s/overlays/${overlay}/policy.yaml`));
  for (const { op, path, value } of patches) {
    const [, index, field] = /^\/spec\/variables\/(\d+)\/(name|expression)$/.exec(path) ?? [];
    const variable = variables[Number(index)];
    if (variable === undefined) continue;
    if (op === 'test') assert.equal(variable.name, value, field);
    else variable.expression = String(value);
  }
  const literal = variables.find(({ name }) => name === 'tlsContext')?.expression ?? '';
  assert.match(literal, /^'.*'$/);
  return literal.slice(1, -1).replaceAll('\\n', '\n');
}

const NAMES = {
  ambassadorId: '',
  tlsContext: 'ambassador-consul',
  secret: 'ambassador-consul-connect',
  upstreamCaSecret: undefined,
  secretNamespace: 'ambassador',
  serviceNamespace: 'ambassador',
};

for (const [overlay, names] of [
  [undefined, NAMES],
  ['edge', { ...NAMES, ambassadorId: 'edge', secret: 'edge-consul-connect' }],
  ['internal', { ...NAMES, ambassadorId: 'internal', secret: 'internal-consul-connect' }],
  ['verify-upstream', { ...NAMES, upstreamCaSecret: 'ambassador-consul-connect-ca' }],
] as const) {
  test(`S1: the policy of ${overlay ?? 'the manifest'} allows exactly the TLSContext that the connector writes`, () => {
    const version = 'getambassador.io/v2';
    assert.equal(
      `---\napiVersion: ${version}\nkind: TLSContext\n${allowed(overlay)}`,
      renderTlsContext(names, version),
    );
  });
}
