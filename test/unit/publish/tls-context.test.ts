import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { EDGE_NAMES, SEED_NAMES } from './support.ts';

const V2 = 'getambassador.io/v2';
const VERIFYING = { ...SEED_NAMES, upstreamCaSecret: 'ambassador-consul-connect-ca' };

for (const [what, names, lines] of [
  [
    'is as Ambassador 0.60 to 4.1 read it, letter for letter',
    SEED_NAMES,
    'hosts: []\nsecret: ambassador-consul-connect\n',
  ],
  [
    'has the ID as a list, and the TLSContext keeps its name',
    EDGE_NAMES,
    'ambassador_id: [edge]\nhosts: []\nsecret: edge-consul-connect\n',
  ],
  [
    'has the namespace of the Secret, with secret_namespacing (emissary #3404)',
    { ...SEED_NAMES, secretNamespace: 'certificates' },
    'hosts: []\nsecret: ambassador-consul-connect.certificates\nsecret_namespacing: true\n',
  ],
] as const) {
  test(`the annotation ${what}`, () => {
    const head = `---\napiVersion: ${V2}\nkind: TLSContext\nname: ambassador-consul\n`;
    assert.equal(renderTlsContext(names, V2), head + lines);
  });
}

for (const [what, names, line] of [
  ['the Secret of the roots', VERIFYING, /^ca_secret: ambassador-consul-connect-ca$/m],
  [
    'that Secret with its namespace',
    { ...VERIFYING, secretNamespace: 'certificates' },
    /^ca_secret: ambassador-consul-connect-ca\.certificates$/m,
  ],
  ['an ID of digits as a string', { ...SEED_NAMES, ambassadorId: '1' }, /^ambassador_id: \["1"\]$/m],
  [
    'an ID that YAML 1.1 takes for a boolean as a string',
    { ...SEED_NAMES, ambassadorId: 'no' },
    /^ambassador_id: \["no"\]$/m,
  ],
  ['a long name in one line', { ...SEED_NAMES, secret: 'x'.repeat(253) }, /^secret: x{253}$/m],
] as const) {
  test(`the annotation has ${what}`, () => {
    assert.match(renderTlsContext(names, V2), line);
  });
}
