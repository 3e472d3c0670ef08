import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAdoptable, assertServiceAdoptable } from '../../../src/publish/kubernetes/adoption.ts';
import { decodeObject } from '../../../src/publish/kubernetes/api/object.ts';
import { OPAQUE_SECRET_TYPE, serviceManifest, TLS_SECRET_TYPE } from '../../../src/publish/manifests.ts';
import { newLeaf, newRoot } from '../identity/support.ts';
import { SEED_NAMES } from './support.ts';

const root = await newRoot();
const identity = await newLeaf(root);
const publicLeaf = await newLeaf(root, {
  service: 'www.example.com',
  uris: [],
  dnsNames: ['www.example.com'],
});
const metadata = { namespace: 'ambassador' };

function secretOf(type: string, certPem: string) {
  const data = { 'tls.crt': Buffer.from(certPem).toString('base64') };
  return decodeObject({ type, metadata: { name: 'of-another', resourceVersion: '1' }, data });
}

describe('A Secret of another writer', () => {
  for (const [what, type, certPem, isAdopted] of [
    ['with an identity of Consul', TLS_SECRET_TYPE, identity.certPem, true],
    ['with a public certificate', TLS_SECRET_TYPE, publicLeaf.certPem, false],
    ['with nothing that can be read', TLS_SECRET_TYPE, 'x', true],
    ['with a root', OPAQUE_SECRET_TYPE, root.certPem, true],
    ['with an identity in place of the roots', OPAQUE_SECRET_TYPE, identity.certPem, false],
  ] as const) {
    test(`${what} is ${isAdopted ? 'adopted' : 'left as it is'}`, () => {
      const adopt = () => assertAdoptable(secretOf(type, certPem), { type, metadata });

      if (isAdopted) assert.doesNotThrow(adopt);
      else assert.throws(adopt, { code: 'SECRET_NOT_ADOPTABLE' });
    });
  }
});

const OURS = serviceManifest(SEED_NAMES, 'getambassador.io/v2');
const CONFIG = 'getambassador.io/config';
const TLS_CONTEXT = '---\nkind: TLSContext\nname: ambassador-consul\nsecret: ambassador-consul-connect\n';
const MAPPING = '---\nkind: Mapping\nname: shop\nprefix: /shop/\n';
const OTHER_CONTEXT = '---\nkind: TLSContext\nname: www\nsecret: www\n';

describe('A Service of another writer', () => {
  for (const [what, annotations, selector, isAdopted] of [
    ['with our TLSContext', { [CONFIG]: TLS_CONTEXT }, { app: 'ambassador' }, true],
    ['with a Mapping', { [CONFIG]: MAPPING }, {}, false],
    ['with a Mapping beside our TLSContext', { [CONFIG]: TLS_CONTEXT + MAPPING }, {}, false],
    ['with another TLSContext', { [CONFIG]: OTHER_CONTEXT }, {}, false],
    ['with a selector', {}, { app: 'ambassador' }, false],
    ['with our selector', {}, OURS.spec.selector, true],
    ['with no selector', {}, {}, true],
  ] as const) {
    test(`${what} is ${isAdopted ? 'adopted' : 'left as it is'}`, () => {
      const service = decodeObject({
        metadata: { name: 'of-another', resourceVersion: '1', annotations },
        spec: { selector },
      });
      const adopt = () => assertServiceAdoptable(service, OURS);

      if (isAdopted) assert.doesNotThrow(adopt);
      else assert.throws(adopt, { code: 'SERVICE_NOT_ADOPTABLE' });
    });
  }
});
