import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELD_MANAGER } from '../../../src/publish/annotations.ts';
import { assertAdoptable } from '../../../src/publish/kubernetes/adoption.ts';
import { decodeObject } from '../../../src/publish/kubernetes/api/object.ts';
import { holds } from '../../../src/publish/kubernetes/drift.ts';
import { secretManifests, serviceManifest } from '../../../src/publish/manifests.ts';
import { preserveWriteRecord, withAnnotations } from '../../../src/publish/write-record.ts';
import { newContent, RECORD, SEED_NAMES } from './support.ts';

const secret = withAnnotations(
  secretManifests(SEED_NAMES, await newContent()).secret,
  preserveWriteRecord(undefined, false, RECORD),
);
const service = serviceManifest(SEED_NAMES, 'getambassador.io/v2');

type Manifest = typeof secret | typeof service;

/** The object as an API server would return it, with `changes` to a copy of it. */
function stored(manifest: Manifest, changes: Edit = () => undefined) {
  const copy = copyOf(manifest);
  changes(copy);
  return decodeObject(copy);
}

function copyOf(manifest: Manifest) {
  const { metadata, ...rest } = structuredClone(manifest);
  return {
    ...rest,
    immutable: false,
    metadata: {
      ...metadata,
      resourceVersion: '7',
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
    },
    data: 'data' in rest ? { ...rest.data } : ({} satisfies Record<string, string>),
    spec: 'spec' in rest ? structuredClone<Record<string, unknown>>({ ...rest.spec }) : {},
  };
}

type Edit = (copy: ReturnType<typeof copyOf>) => void;
const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30_080 }];

const EDITS: readonly [string, boolean, Manifest, Edit][] = [
  ['nothing', true, secret, () => undefined],
  ['nothing', true, service, () => undefined],
  ['other labels', true, secret, ({ metadata }) => Object.assign(metadata.labels, { team: 'edge' })],
  ['other annotations', true, secret, ({ metadata }) => Object.assign(metadata.annotations, { note: 'x' })],
  ['other data', true, secret, ({ data }) => Object.assign(data, { 'other.crt': 'eA==' })],
  [
    'defaults of the API server',
    true,
    service,
    ({ spec }) => Object.assign(spec, { clusterIPs: ['None'], sessionAffinity: 'None', ports }),
  ],
  // It cannot be changed.
  ['the cluster IP', true, service, ({ spec }) => Object.assign(spec, { clusterIP: '10.0.0.7' })],
  // An apply leaves the items of other writers.
  [
    'another port',
    true,
    service,
    ({ spec }) => Object.assign(spec, { ports: [{ name: 'x', port: 81 }, ...service.spec.ports] }),
  ],
  ['data', false, secret, ({ data }) => Object.assign(data, { 'tls.crt': 'eA==' })],
  ['ca.crt', false, secret, ({ data }) => Object.assign(data, { 'ca.crt': '' })],
  ['a key that is removed', false, secret, ({ data }) => Reflect.deleteProperty(data, 'tls.key')],
  [
    'a label',
    false,
    secret,
    ({ metadata }) => Object.assign(metadata.labels, { 'app.kubernetes.io/name': 'x' }),
  ],
  [
    'the annotation',
    false,
    service,
    ({ metadata }) => Object.assign(metadata.annotations, { 'getambassador.io/config': 'x' }),
  ],
  ['the selector', false, service, ({ spec }) => Object.assign(spec, { selector: {} })],
  ['the ports', false, service, ({ spec }) => Object.assign(spec, { ports: [] })],
];

for (const [what, isInPlace, manifest, edit] of EDITS) {
  test(`a ${manifest.kind} that differs in ${what} is ${isInPlace ? '' : 'not '}in place`, () => {
    assert.equal(holds(stored(manifest, edit), manifest), isInPlace);
  });
}

for (const [whose, owners, isInPlace] of [
  ['ours alone', [FIELD_MANAGER], false],
  ['also of another writer', [FIELD_MANAGER, 'kubectl'], true],
  ['without an owner', [], true],
] as const) {
  test(`K3: a Secret with a label that is no longer configured is ${isInPlace ? '' : 'not '}in place if the label is ${whose}`, () => {
    const object = stored(secret, ({ metadata }) => Object.assign(metadata.labels, { team: 'edge' }));
    assert.equal(holds({ ...object, labelOwners: { team: owners } }, secret), isInPlace);
  });
}

test('a Secret of our type can be adopted', () => {
  assert.doesNotThrow(() => assertAdoptable(stored(secret), secret));
});

for (const [what, changes, message] of [
  ['of another type', { type: 'Opaque' }, /its type is Opaque, not kubernetes\.io\/tls/],
  ['that is immutable', { immutable: true }, /it is immutable/],
] as const) {
  test(`a Secret ${what} cannot be adopted, and the remedy names the command`, () => {
    assert.throws(() => assertAdoptable({ ...stored(secret), ...changes }, secret), {
      code: 'SECRET_NOT_ADOPTABLE',
      message,
      remedy: /kubectl -n ambassador delete secret ambassador-consul-connect/,
    });
  });
}
