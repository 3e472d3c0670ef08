import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { PolicyRule } from '../../fixtures/kubernetes/access.ts';
import type { Account, Answer, Api, ApiServer } from './api.ts';
import { secret, service } from './manifests.ts';
import { assertStatus, at, versionOf } from './reading.ts';

const MANIFEST = new URL('../../../k8s/ambassador-consul-connector.yaml', import.meta.url);
const SECRET = 'ambassador-consul-connect';
const SERVICE = 'ambassador-consul-connector';
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** What each right of the Role is for, and the name that the API server sees in the request. */
interface Use {
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
}

/** The rules of the Role that ships. */
async function shippedRules(): Promise<readonly PolicyRule[]> {
  const documents = parseAllDocuments(await readFile(MANIFEST, 'utf8'));
  const role = documents
    .map((document): { kind?: string; rules?: PolicyRule[] } => document.toJS())
    .find(({ kind }) => kind === 'Role');
  assert.ok(role?.rules !== undefined, 'the manifest has a Role');
  return role.rules;
}

function without(rules: readonly PolicyRule[], resource: string, verb: string): PolicyRule[] {
  return rules
    .flatMap((rule) =>
      rule.resources.map((each) => ({
        ...rule,
        resources: [each],
        verbs: rule.verbs.filter((other) => each !== resource || other !== verb),
      })),
    )
    .filter(({ verbs }) => verbs.length > 0);
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

  /** The request that the connector makes with that right. What it says of an object does not matter. */
  async function use({ resource, verb, name }: Use, { token }: Account): Promise<Answer> {
    const collection = api.collection(resource);
    const selector = `fieldSelector=metadata.name%3D${name}`;
    if (verb === 'list') return api.call(`${collection}?${selector}`, { token });
    // A watch that is allowed ends by itself after a second.
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

  const denied = (account: Account, { resource, verb }: Use) =>
    `User "${account.user}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${server().namespace}"`;

  test('an unknown token is a 401, no token is an anonymous user who may do nothing here', async () => {
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

  test('the shipped Role allows all that the connector does, and SelfSubjectAccessReview agrees', async () => {
    const account = await server().account('whole-role', await shippedRules());
    for (const each of uses) {
      const { code, text } = await use(each, account);
      assert.ok(![401, 403].includes(code), `${each.verb} ${each.resource}: ${code} ${text}`);
      assert.equal(await may(account, each), true, `may ${each.verb} ${each.resource}`);
    }
  });

  for (const each of uses) {
    const { resource, verb, name } = each;
    test(`without ${verb} on ${resource} that is a 403 which names both, and SelfSubjectAccessReview says so`, async () => {
      const rules = without(await shippedRules(), resource, verb);
      const account = await server().account(`without-${verb}-${resource}`, rules);
      const refused = await use(each, account);
      const subject = name === '' ? resource : `${resource} "${name}"`;
      const message = assertStatus(refused, 403, 'Forbidden');
      assert.equal(message, `${subject} is forbidden: ${denied(account, each)}`);
      assert.deepEqual(refused.body['details'], { ...(name === '' ? {} : { name }), kind: resource });
      assert.equal(await may(account, each), false);
    });
  }

  test('resourceNames hold for a list and a watch of that name, and for no other name, nor for all', async () => {
    const account = await server().account('named', await shippedRules());
    for (const verb of ['list', 'watch']) {
      const other = { resource: 'secrets', verb, name: 'another' };
      const refused = await use(other, account);
      const all = await api.call(
        `${api.collection('secrets')}?timeoutSeconds=1${verb === 'watch' ? '&watch=true' : ''}`,
        { token: account.token },
      );

      assert.equal(
        assertStatus(refused, 403, 'Forbidden'),
        `secrets "another" is forbidden: ${denied(account, other)}`,
      );
      assert.equal(assertStatus(all, 403, 'Forbidden'), `secrets is forbidden: ${denied(account, other)}`);
      assert.equal(await may(account, other), false);
      assert.equal(await may(account, { ...other, name: '' }), false);
    }
    const read = await api.call(`${api.collection('secrets')}/${SECRET}`, { token: account.token });
    const get = { resource: 'secrets', verb: 'get', name: SECRET };
    assert.equal(
      assertStatus(read, 403, 'Forbidden'),
      `secrets "${SECRET}" is forbidden: ${denied(account, get)}`,
    );
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
    const rules = [...without(await shippedRules(), 'secrets', 'create'), { apiGroups: [''], ...named }];
    const { token } = await server().account('no-create', rules);
    const applied = await api.apply(`${api.collection('secrets')}/${name}`, secret(name), undefined, token);
    assertStatus(applied, 403, 'Forbidden');
  });
}
