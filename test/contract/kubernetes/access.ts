import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import type { Account, Answer, Api, ApiServer } from './api.ts';
import { secret, service } from './manifests.ts';
import { assertStatus, at, versionOf } from './reading.ts';
import { without } from './rules.ts';

const MANIFEST = new URL('../../../k8s/ambassador-consul-connector.yaml', import.meta.url);
const SECRET = 'ambassador-consul-connect';
const SERVICE = 'ambassador-consul-connector';
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** A use of a right of the Role, and the name that the API server sees in the request. */
interface Use {
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
}

/** The rules of the shipped Role. */
async function shippedRules(): Promise<readonly PolicyRule[]> {
  const documents = parseAllDocuments(await readFile(MANIFEST, 'utf8'));
  const role = documents
    .map((document): { kind?: string; rules?: PolicyRule[] } => document.toJS())
    .find(({ kind }) => kind === 'Role');
  assert.ok(role?.rules !== undefined, 'the manifest has a Role');
  return role.rules;
}

/** Authentication, RBAC, and reviews of one's own rights. */
export function declareAccess(api: Api, server: () => ApiServer): void {
  const uses: readonly Use[] = [
    ...['list', 'watch', 'patch', 'create'].flatMap((verb) => [
      { resource: 'secrets', verb, name: verb === 'create' ? '' : SECRET },
      { resource: 'services', verb, name: verb === 'create' ? '' : SERVICE },
    ]),
    { resource: 'events', verb: 'create', name: '' },
    { resource: 'events', verb: 'patch', name: 'some-event' },
  ];

  /** The request that the connector makes with that right. The content of the object does not matter. */
  async function use({ resource, verb, name }: Use, { token }: Account): Promise<Answer> {
    const collection = api.collection(resource);
    const selector = `fieldSelector=metadata.name%3D${name}`;
    if (verb === 'list') return api.call(`${collection}?${selector}`, { token });
    // An allowed watch ends after a second.
    if (verb === 'watch') return api.call(`${collection}?watch=true&timeoutSeconds=1&${selector}`, { token });
    if (verb === 'create')
      return api.call(collection, { method: 'POST', body: { metadata: { name: '!' } }, token });
    const path = `${collection}/${name}`;
    const type = 'application/merge-patch+json';
    return api.call(path, { method: 'PATCH', body: { metadata: { labels: { a: 'b' } } }, type, token });
  }

  async function may(account: Account, { resource, verb, name }: Use): Promise<unknown> {
    const named = name === '' ? {} : { name };
    const resourceAttributes = { namespace: server().namespace, verb, resource, ...named };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { ...resourceAttributes, group: '' } },
    };
    const answer = await api.call(REVIEWS, { method: 'POST', body, token: account.token });
    assert.deepEqual([answer.code, answer.body['kind']], [201, 'SelfSubjectAccessReview']);
    assert.deepEqual(at(answer.body, 'spec', 'resourceAttributes'), resourceAttributes);
    return at(answer.body, 'status', 'allowed');
  }

  const assertDenied = (answer: Answer, subject: string, { user }: Account, { resource, verb }: Use) => {
    const what = `cannot ${verb} resource "${resource}" in API group "" in the namespace "${server().namespace}"`;
    const message = assertStatus(answer, 403, 'Forbidden');
    assert.equal(message, `${subject} is forbidden: User "${user}" ${what}`);
  };

  test('an unknown token is a 401; no token is an anonymous user without rights', async () => {
    const unknown = await api.call(api.collection('secrets'), { token: 'unknown' });
    const none = await api.call(api.collection('secrets'), { token: '' });
    const open = await api.call('/version', { token: '' });
    assertStatus(unknown, 401, 'Unauthorized');
    assert.match(
      assertStatus(none, 403, 'Forbidden'),
      /User "system:anonymous" cannot list resource "secrets"/,
    );
    assert.equal(open.code, 200);
    assert.match(String(open.body['gitVersion']), /^v\d+\.\d+/);
  });

  test('the shipped Role allows every request of the connector, and so does SelfSubjectAccessReview', async () => {
    const account = await server().account('whole-role', await shippedRules());
    for (const each of uses) {
      const { code, text } = await use(each, account);
      assert.ok(![401, 403].includes(code), `${each.verb} ${each.resource}: ${code} ${text}`);
      assert.equal(await may(account, each), true, `may ${each.verb} ${each.resource}`);
    }
  });

  for (const each of uses) {
    const { resource, verb, name } = each;
    test(`without ${verb} on ${resource} the request is a 403 that names both, and SelfSubjectAccessReview denies it`, async () => {
      const rules = without(await shippedRules(), verb, resource);
      const account = await server().account(`without-${verb}-${resource}`, rules);
      const refused = await use(each, account);
      const subject = name === '' ? resource : `${resource} "${name}"`;
      assertDenied(refused, subject, account, each);
      assert.deepEqual(refused.body['details'], { ...(name === '' ? {} : { name }), kind: resource });
      assert.equal(await may(account, each), false);
    });
  }

  test('resourceNames allow a list and a watch of that name, of no other name, and not of all', async () => {
    const account = await server().account('named', await shippedRules());
    for (const verb of ['list', 'watch']) {
      const other = { resource: 'secrets', verb, name: 'another' };
      const refused = await use(other, account);
      const all = await api.call(
        `${api.collection('secrets')}?timeoutSeconds=1${verb === 'watch' ? '&watch=true' : ''}`,
        { token: account.token },
      );

      assertDenied(refused, 'secrets "another"', account, other);
      assertDenied(all, 'secrets', account, other);
      assert.equal(await may(account, other), false);
      assert.equal(await may(account, { ...other, name: '' }), false);
    }
    const read = await api.call(`${api.collection('secrets')}/${SECRET}`, { token: account.token });
    const get = { resource: 'secrets', verb: 'get', name: SECRET };
    assertDenied(read, `secrets "${SECRET}"`, account, get);
  });

  test('the restricted account creates, applies and deletes nothing but its own', async () => {
    const { token } = await server().account('writer', await shippedRules());
    const secrets = api.collection('secrets');
    const services = api.collection('services');

    const created = await api.call(secrets, { method: 'POST', body: secret(SECRET), token });
    const onto = secret(SECRET, {}, { resourceVersion: versionOf(created) });
    const query = 'fieldManager=connector&force=true';
    const own = await api.apply(`${secrets}/${SECRET}`, onto, query, token);
    const announced = await api.call(services, { method: 'POST', body: service(SERVICE), token });
    const other = await api.apply(`${secrets}/another`, secret('another'), query, token);
    const deleted = await api.call(`${secrets}/${SECRET}`, { method: 'DELETE', token });

    assert.deepEqual([created.code, own.code, announced.code], [201, 200, 201]);
    for (const refused of [other, deleted]) assertStatus(refused, 403, 'Forbidden');
  });

  test('an apply that would create needs the right to create', async () => {
    const name = `${SECRET}-ca`;
    const named = { resources: ['secrets'], resourceNames: [name], verbs: ['patch'] };
    const rules = [...without(await shippedRules(), 'create', 'secrets'), { apiGroups: [''], ...named }];
    const { token } = await server().account('no-create', rules);
    const applied = await api.apply(`${api.collection('secrets')}/${name}`, secret(name), undefined, token);
    assertStatus(applied, 403, 'Forbidden');
  });
}
