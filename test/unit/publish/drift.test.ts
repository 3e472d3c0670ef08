import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishError } from '../../../src/errors.ts';
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
function stored(manifest: Manifest, changes: (copy: ReturnType<typeof copyOf>) => void = () => undefined) {
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

test('an object that holds what we want, and no more, is in place', () => {
  assert.ok(holds(stored(secret), secret));
  assert.ok(holds(stored(service), service));
});

test('labels, annotations and data of others beside ours do not count', () => {
  const object = stored(secret, ({ metadata, data }) => {
    Object.assign(metadata.labels, { team: 'edge' });
    Object.assign(metadata.annotations, { note: 'ours too' });
    Object.assign(data, { 'other.crt': 'eA==' });
  });

  assert.ok(holds(object, secret));
});

test('what the API server adds to a Service does not count', () => {
  const object = stored(service, ({ spec }) => {
    Object.assign(spec, {
      clusterIPs: ['None'],
      sessionAffinity: 'None',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30_080 }],
    });
  });

  assert.ok(holds(object, service));
});

test('a Service that has a cluster IP keeps it, since nobody can change it', () => {
  const object = stored(service, ({ spec }) => Object.assign(spec, { clusterIP: '10.0.0.7' }));

  assert.ok(holds(object, service));
});

const EDITS: readonly [string, Manifest, (copy: ReturnType<typeof copyOf>) => void][] = [
  ['data', secret, ({ data }) => Object.assign(data, { 'tls.crt': 'eA==' })],
  ['ca.crt', secret, ({ data }) => Object.assign(data, { 'ca.crt': '' })],
  ['a label', secret, ({ metadata }) => Object.assign(metadata.labels, { 'app.kubernetes.io/name': 'x' })],
  [
    'the annotation',
    service,
    ({ metadata }) => Object.assign(metadata.annotations, { 'getambassador.io/config': 'x' }),
  ],
  ['the selector', service, ({ spec }) => Object.assign(spec, { selector: {} })],
  ['the ports', service, ({ spec }) => Object.assign(spec, { ports: [] })],
];

for (const [what, manifest, edit] of EDITS) {
  test(`a ${manifest.kind} of which somebody edited ${what} is not in place`, () => {
    assert.equal(holds(stored(manifest, edit), manifest), false);
  });
}

test('a Service to which somebody added a port is in place: an apply leaves the items of others', () => {
  const added = stored(service, ({ spec }) =>
    Object.assign(spec, { ports: [{ name: 'x', port: 81 }, ...service.spec.ports] }),
  );

  assert.equal(holds(added, service), true);
});

test('a Secret from which somebody removed a key is not in place', () => {
  const object = { ...stored(secret), data: { 'tls.crt': secret.data['tls.crt'] ?? '' } };

  assert.equal(holds(object, secret), false);
});

test('a Secret of our type can be taken over', () => {
  assert.doesNotThrow(() => assertAdoptable(stored(secret), secret));
});

const UNTAKEABLE: readonly [string, object, RegExp][] = [
  ['of another type', { type: 'Opaque' }, /its type is Opaque, not kubernetes\.io\/tls/],
  ['that is immutable', { immutable: true }, /it is immutable/],
];

for (const [what, changes, message] of UNTAKEABLE) {
  test(`a Secret ${what} cannot be taken over, and the remedy names the command`, () => {
    const object = { ...stored(secret), ...changes };

    assert.throws(
      () => assertAdoptable(object, secret),
      (error) => {
        assert.ok(error instanceof PublishError);
        assert.equal(error.code, 'SECRET_NOT_ADOPTABLE');
        assert.match(error.message, message);
        assert.match(error.remedy ?? '', /kubectl -n ambassador delete secret ambassador-consul-connect/);
        return true;
      },
    );
  });
}
