import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { Agent, request } from 'undici';
import type { JsonObject, KubernetesDouble } from '../kubernetes/index.ts';
import { quotaExceeded, startKubernetesDouble } from '../kubernetes/index.ts';
import { isObject } from '../kubernetes/json.ts';

const SECRETS = '/api/v1/namespaces/ambassador/secrets';
const SECRET = `${SECRETS}/ambassador-consul-connect`;
const SERVICE = '/api/v1/namespaces/ambassador/services/ambassador-consul-connector';
const CRT = Buffer.from('certificate').toString('base64');
const KEY = Buffer.from('key').toString('base64');

let cluster: KubernetesDouble;
let agent: Agent;

beforeEach(async () => {
  cluster = await startKubernetesDouble();
  agent = new Agent({ connect: { ca: cluster.caPem } });
});

afterEach(async () => {
  await agent.destroy();
  await cluster.close();
});

interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: JsonObject | JsonObject[];
  type?: string;
  token?: string;
}

async function call(path: string, { method = 'GET', body, type, token = cluster.token }: Call = {}) {
  const answer = await request(`${cluster.url}${path}`, {
    dispatcher: agent,
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type ?? 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : {};
  return { code: answer.statusCode, text, body: isObject(parsed) ? parsed : {} };
}

function apply(path: string, body: JsonObject, query = 'fieldManager=connector') {
  return call(`${path}?${query}`, { method: 'PATCH', body, type: 'application/apply-patch+yaml' });
}

function secret(extra: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'ambassador-consul-connect', ...metadata },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': CRT, 'tls.key': KEY },
    ...extra,
  };
}

function stored() {
  const object = cluster.get('Secret', 'ambassador', 'ambassador-consul-connect');
  assert.ok(object, 'the Secret is there');
  return object;
}

interface Line {
  type: string;
  object: { code?: number; metadata: { name?: string; resourceVersion?: string } };
}

/** Reads a watch into `lines`; `ended` settles when the stream does. */
async function watch(query = 'resourceVersion=0', path = SECRETS) {
  const opened = await request(`${cluster.url}${path}?watch=true&${query}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${cluster.token}` },
  });
  const lines: Line[] = [];
  let rest = '';
  opened.body.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((part): Line => JSON.parse(part)));
  });
  const ended = once(opened.body, 'close').catch(() => undefined);
  opened.body.on('error', () => undefined);
  return {
    lines,
    ended,
    rest: () => rest,
    async seen(count: number) {
      for (let waited = 0; lines.length < count; waited += 5) {
        assert.ok(waited < 2000, `${count} events wanted, got ${JSON.stringify(lines)}`);
        await sleep(5);
      }
      return lines.map((line) => line.type);
    },
  };
}

test('an apply creates, and an identical one leaves the resourceVersion as it was', async () => {
  const first = await apply(SECRET, secret());
  const version = stored().metadata.resourceVersion;
  const second = await apply(SECRET, secret());

  assert.equal(first.code, 201);
  assert.equal(second.code, 200);
  assert.equal(stored().metadata.resourceVersion, version);
  assert.equal(cluster.writes('Secret'), 1);
  assert.deepEqual(stored().metadata.managedFields?.[0]?.fieldsV1, {
    'f:data': { 'f:tls.crt': {}, 'f:tls.key': {} },
    'f:type': {},
  });
});

test('an apply leaves what others own and removes what it owned and no longer names', async () => {
  await apply(SECRET, secret({}, { labels: { ours: 'yes', gone: 'soon' } }));
  cluster.edit('Secret', 'ambassador', 'ambassador-consul-connect', (object) => {
    object.metadata.labels = { ...object.metadata.labels, theirs: 'yes' };
    object.data = { ...object.data, extra: CRT };
  });
  await apply(SECRET, secret({}, { labels: { ours: 'yes' } }));

  assert.deepEqual(stored().metadata.labels, { ours: 'yes', theirs: 'yes' });
  assert.deepEqual(Object.keys(stored().data ?? {}).sort(), ['extra', 'tls.crt', 'tls.key']);
});

test('a field that another manager gave another value is a conflict, until it is forced', async () => {
  await apply(SECRET, secret());
  cluster.edit('Secret', 'ambassador', 'ambassador-consul-connect', (object) => {
    object.data = { ...object.data, 'tls.crt': KEY };
  });
  const refused = await apply(SECRET, secret());
  const forced = await apply(SECRET, secret(), 'fieldManager=connector&force=true');

  assert.equal(refused.code, 409);
  assert.equal(refused.body['reason'], 'Conflict');
  assert.match(
    refused.text,
    /Apply failed with 1 conflict: conflict with \\"kubectl-edit\\" using v1 at \S+: \.data\.tls\.crt/,
  );
  assert.equal(forced.code, 200);
  assert.equal(stored().data?.['tls.crt'], CRT);
  assert.deepEqual(
    stored().metadata.managedFields?.map((entry) => entry.manager),
    ['connector'],
  );
});

test('an apply with a resourceVersion that is not the current one is a conflict', async () => {
  await apply(SECRET, secret());
  const { resourceVersion } = stored().metadata;
  cluster.edit('Secret', 'ambassador', 'ambassador-consul-connect', (object) => {
    object.metadata.annotations = { note: 'changed' };
  });
  const stale = await apply(SECRET, secret({}, { resourceVersion }), 'fieldManager=connector&force=true');

  assert.equal(stale.code, 409);
  assert.equal(
    stale.body['message'],
    'Operation cannot be fulfilled on secrets "ambassador-consul-connect": the object has been modified; please apply your changes to the latest version and try again',
  );
});

test('an apply with a resourceVersion for a missing object creates it as 1.20 does, or conflicts as newer ones do', async () => {
  const old = await apply(SECRET, secret({}, { resourceVersion: '7' }));
  await cluster.close();
  cluster = await startKubernetesDouble({ applyToMissingVersion: 'conflict' });
  agent = new Agent({ connect: { ca: cluster.caPem } });
  const newer = await apply(SECRET, secret({}, { resourceVersion: '7' }));

  assert.equal(old.code, 201);
  assert.equal(newer.code, 409);
});

test('the type of a Secret and the data of an immutable one do not change', async () => {
  cluster.put({ kind: 'Secret', metadata: { name: 'ambassador-consul-connect' }, data: {} });
  const retyped = await apply(SECRET, secret(), 'fieldManager=connector&force=true');
  cluster.remove('Secret', 'ambassador', 'ambassador-consul-connect');
  await apply(SECRET, secret({ immutable: true }));
  const changed = await apply(SECRET, secret({ immutable: true, data: { 'tls.crt': KEY, 'tls.key': KEY } }));

  assert.equal(retyped.code, 422);
  assert.match(retyped.text, /is invalid: type: Invalid value: \\"kubernetes.io\/tls\\": field is immutable/);
  assert.equal(changed.code, 422);
  assert.match(changed.text, /data: Forbidden: field is immutable when `immutable` is set/);
});

test('a Service is applied port by port, keeps its address and what others annotate', async () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'ambassador-consul-connector', annotations: { 'getambassador.io/config': '---' } },
    spec: {
      clusterIP: 'None',
      selector: { app: 'x' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  };
  await apply(SERVICE, service);
  cluster.edit('Service', 'ambassador', 'ambassador-consul-connector', (object) => {
    object.metadata.annotations = { ...object.metadata.annotations, other: 'kept' };
  });
  const again = await apply(SERVICE, service);
  const moved = await apply(SERVICE, { ...service, spec: { ...service.spec, clusterIP: '10.96.0.77' } });

  assert.equal(again.code, 200);
  assert.deepEqual(
    cluster.get('Service', 'ambassador', 'ambassador-consul-connector')?.metadata.annotations,
    {
      'getambassador.io/config': '---',
      other: 'kept',
    },
  );
  assert.equal(cluster.writes('Service'), 1);
  assert.equal(moved.code, 422);
  assert.match(moved.text, /may not change once set/);
});

test('a second POST is AlreadyExists; PUT, merge patch, JSON patch and DELETE do what they say', async () => {
  const posted = await call(SECRETS, { method: 'POST', body: secret() });
  const twice = await call(SECRETS, { method: 'POST', body: secret() });
  const merge = await call(SECRET, {
    method: 'PATCH',
    type: 'application/merge-patch+json',
    body: { metadata: { annotations: { a: '1', b: '2' } } },
  });
  const json = await call(SECRET, {
    method: 'PATCH',
    type: 'application/json-patch+json',
    body: [{ op: 'remove', path: '/metadata/annotations/a' }],
  });
  const put = await call(SECRET, { method: 'PUT', body: posted.body });
  const deleted = await call(SECRET, { method: 'DELETE' });
  const gone = await call(SECRET);

  assert.deepEqual([posted.code, twice.code, twice.body['reason']], [201, 409, 'AlreadyExists']);
  assert.deepEqual([merge.code, json.code], [200, 200]);
  assert.deepEqual(isObject(json.body['metadata']) ? json.body['metadata']['annotations'] : 0, { b: '2' });
  assert.equal(put.code, 409, 'its resourceVersion is stale');
  assert.equal(deleted.code, 200);
  assert.equal(gone.body['message'], 'secrets "ambassador-consul-connect" not found');
});

test('a watch shows what there is, then each edit and the deletion, of the one object selected', async () => {
  await apply(SECRET, secret());
  cluster.put({ kind: 'Secret', metadata: { name: 'another' } });
  const open = await watch('resourceVersion=0&fieldSelector=metadata.name%3Dambassador-consul-connect');
  await open.seen(1);
  cluster.edit('Secret', 'ambassador', 'ambassador-consul-connect', (object) => {
    object.data = { ...object.data, 'tls.crt': KEY };
  });
  cluster.remove('Secret', 'ambassador', 'another');
  cluster.remove('Secret', 'ambassador', 'ambassador-consul-connect');

  assert.deepEqual(await open.seen(3), ['ADDED', 'MODIFIED', 'DELETED']);
});

test('a watch resumes after the version it names, also over a restart of the server', async () => {
  await apply(SECRET, secret());
  const from = stored().metadata.resourceVersion;
  const url = cluster.url;
  await cluster.stop();
  await assert.rejects(call(SECRET), { code: 'ECONNREFUSED' });
  cluster.remove('Secret', 'ambassador', 'ambassador-consul-connect');
  await cluster.start();
  const open = await watch(`resourceVersion=${from}`);

  assert.equal(cluster.url, url);
  assert.deepEqual(await open.seen(1), ['DELETED']);
});

test('a watch can end, expire, break in half a line, be bookmarked, time out, or fall silent', async () => {
  await apply(SECRET, secret());
  const from = stored().metadata.resourceVersion;

  const ended = await watch(`resourceVersion=${from}`);
  cluster.watches.end();
  await ended.ended;
  assert.deepEqual(ended.lines, []);

  const half = await watch(`resourceVersion=${from}`);
  cluster.watches.halfLine();
  await half.ended;
  assert.match(half.rest(), /^\{"type":"MODIFIED"/);

  const marked = await watch(`resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=1`);
  cluster.watches.bookmark();
  await marked.ended;
  assert.deepEqual(
    marked.lines.map((line) => line.type),
    ['BOOKMARK', 'BOOKMARK'],
  );

  const mute = await watch(`resourceVersion=${from}`);
  cluster.watches.silence();
  cluster.watches.speak();
  const heard = await watch(`resourceVersion=${from}`);
  cluster.remove('Secret', 'ambassador', 'ambassador-consul-connect');
  assert.deepEqual(await heard.seen(1), ['DELETED']);
  assert.deepEqual(mute.lines, []);
  assert.equal(cluster.watches.count('secrets'), 2);

  cluster.watches.expire();
  await heard.ended;
  const late = await watch(`resourceVersion=${from}`);
  await late.ended;
  assert.deepEqual([heard.lines.at(-1)?.object.code, late.lines[0]?.object.code], [410, 410]);
});

test('a denied verb is refused in the words of RBAC, and SelfSubjectAccessReview knows', async () => {
  const review = {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    spec: { resourceAttributes: { verb: 'get', resource: 'secrets', namespace: 'ambassador' } },
  };
  const ask = () =>
    call('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { method: 'POST', body: review });
  cluster.deny({ verb: 'get', resource: 'secrets' });
  const refused = await call(SECRET);
  const denied = await ask();
  cluster.allow();
  const allowed = await ask();
  cluster.deny({ verb: 'create', resource: 'secrets' });
  const created = await apply(SECRET, secret());

  assert.equal(refused.code, 403);
  assert.equal(
    refused.body['message'],
    'secrets "ambassador-consul-connect" is forbidden: User "system:serviceaccount:ambassador:ambassador-consul-connector" cannot get resource "secrets" in API group "" in the namespace "ambassador"',
  );
  assert.deepEqual(denied.body['status'], { allowed: false });
  assert.ok(isObject(allowed.body['status']) && allowed.body['status']['allowed'] === true);
  assert.equal(created.body['message'], 'secrets "ambassador-consul-connect" is forbidden: ');
});

test('a missing and a terminating namespace refuse new objects, each in its own words', async () => {
  const missing = await call('/api/v1/namespaces/x/secrets', { method: 'POST', body: secret() });
  cluster.setNamespace('ambassador', 'Terminating');
  const terminating = await apply(SECRET, secret());

  assert.deepEqual([missing.code, missing.body['message']], [404, 'namespaces "x" not found']);
  assert.equal(terminating.code, 403);
  assert.match(terminating.text, /unable to create new content in namespace ambassador because it is being/);
});

test('a script answers in place of the server, hangs, or resets, for as often as it is told', async () => {
  cluster.script(
    { verb: 'patch', resource: 'secrets' },
    quotaExceeded({ group: '', plural: 'secrets' }, 'x'),
    1,
  );
  const quota = await apply(SECRET, secret());
  const through = await apply(SECRET, secret());
  cluster.script({ method: 'GET' }, 'reset');
  const reset = call(SECRET);
  await assert.rejects(reset, { code: 'ECONNRESET' });
  cluster.script({ path: /secrets/ }, 'hang');
  const hanging = request(`${cluster.url}${SECRET}`, { dispatcher: agent, signal: AbortSignal.timeout(50) });
  await assert.rejects(hanging, { name: 'TimeoutError' });

  assert.match(quota.text, /exceeded quota/);
  assert.equal(through.code, 201);
});

test('an old token is 401, in a folder like a Pod’s the new one is found', async () => {
  const old = cluster.token;
  const { directory } = cluster.inClusterDirectory();
  cluster.rotateToken();
  const refused = await call(SECRET, { token: old });
  const open = await call('/version', { token: '' });

  assert.deepEqual([refused.code, refused.body['message']], [401, 'Unauthorized']);
  assert.equal(open.code, 200);
  assert.ok(existsSync(`${directory}/var/run/secrets/kubernetes.io/serviceaccount/token`));
});

test('discovery names the groups served, and says 404 for others', async () => {
  const served = await call('/apis/getambassador.io');
  cluster.groups = [];
  const missing = await call('/apis/getambassador.io');
  const all = await call('/apis');

  assert.match(served.text, /"groupVersion":"getambassador.io\/v2"/);
  assert.deepEqual([missing.code, missing.text], [404, '404 page not found\n']);
  assert.doesNotMatch(all.text, /getambassador/);
});

test('the official client finds it by its kubeconfig, lists, and reports an event', async () => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigFile({ namespace: 'ambassador' }));
  const api = config.makeApiClient(CoreV1Api);
  cluster.put({ kind: 'Secret', metadata: { name: 'one' }, stringData: { a: 'b' } });
  const { items } = await api.listNamespacedSecret({ namespace: 'ambassador' });
  await api.createNamespacedEvent({
    namespace: 'ambassador',
    body: {
      metadata: { generateName: 'connector.' },
      involvedObject: { kind: 'Secret', name: 'one', namespace: 'ambassador' },
      reason: 'Published',
    },
  });

  assert.deepEqual(
    items.map((item) => [item.metadata?.name, item.type, item.data?.['a']]),
    [['one', 'Opaque', 'Yg==']],
  );
  assert.equal(cluster.list('Event', 'ambassador')[0]?.['reason'], 'Published');
  assert.equal(cluster.writes(), 0);
});
