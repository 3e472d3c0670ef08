import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { EDGE_NAMES, SEED_NAMES } from './support.ts';

test('with nothing set the annotation is as Ambassador 0.60 to 4.1 read it, letter for letter', () => {
  const annotation = renderTlsContext(SEED_NAMES, 'getambassador.io/v2');

  assert.equal(
    annotation,
    `---
apiVersion: getambassador.io/v2
kind: TLSContext
name: ambassador-consul
hosts: []
secret: ambassador-consul-connect
`,
  );
});

test('with the ID `edge` it names the ID as a list, and the TLSContext keeps its name', () => {
  const annotation = renderTlsContext(EDGE_NAMES, 'getambassador.io/v2');

  assert.equal(
    annotation,
    `---
apiVersion: getambassador.io/v2
kind: TLSContext
name: ambassador-consul
ambassador_id: [edge]
hosts: []
secret: edge-consul-connect
`,
  );
});

test('with upstream verification it names the Secret of the roots, in its namespace where that is another', () => {
  const verifying = { ...SEED_NAMES, upstreamCaSecret: 'ambassador-consul-connect-ca' };

  const here = parse(renderTlsContext(verifying, 'getambassador.io/v2'));
  const elsewhere = parse(
    renderTlsContext({ ...verifying, secretNamespace: 'certificates' }, 'getambassador.io/v2'),
  );

  assert.equal(here.ca_secret, 'ambassador-consul-connect-ca');
  assert.equal(elsewhere.ca_secret, 'ambassador-consul-connect-ca.certificates');
});

test('a Secret in another namespace is named with it, and secret_namespacing is on (emissary #3404)', () => {
  const annotation = renderTlsContext(
    { ...SEED_NAMES, secretNamespace: 'certificates' },
    'getambassador.io/v2',
  );

  assert.equal(
    annotation,
    `---
apiVersion: getambassador.io/v2
kind: TLSContext
name: ambassador-consul
hosts: []
secret: ambassador-consul-connect.certificates
secret_namespacing: true
`,
  );
});

test('an ID of digits stays a string', () => {
  const { ambassador_id: ids } = parse(
    renderTlsContext({ ...SEED_NAMES, ambassadorId: '1' }, 'getambassador.io/v2'),
  );

  assert.deepEqual(ids, ['1']);
});

test('an ID that YAML 1.1 takes for a boolean stays a string', () => {
  const annotation = renderTlsContext({ ...SEED_NAMES, ambassadorId: 'no' }, 'getambassador.io/v2');

  assert.match(annotation, /^ambassador_id: \["no"\]$/m);
});

test('a long name is not folded over two lines', () => {
  const annotation = renderTlsContext({ ...SEED_NAMES, secret: 'x'.repeat(253) }, 'getambassador.io/v2');

  assert.match(annotation, /^secret: x{253}$/m);
});
