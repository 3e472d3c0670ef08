import { ask } from '../fixtures/servers/http.ts';
import type { RealKubernetes } from '../fixtures/servers/real-kubernetes.ts';
import { NAMESPACE, SECRET, SERVICE } from './world.ts';

const CONFIG = 'getambassador.io/config';
const TOKEN_TYPE = 'kubernetes.io/service-account-token';
const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** One request to the API server, and what it would get. */
export interface Attempt {
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** After the namespace. */
  readonly path: string;
  readonly type?: string;
  readonly body?: unknown;
}

const OWN_CONTEXT = `---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ${SECRET}\n`;
const MAPPING =
  '---\napiVersion: getambassador.io/v2\nkind: Mapping\nname: all\nprefix: /\nservice: evil.example.com\n';

/** The same, judged and not done. */
export function dry(attempt: Attempt): Attempt {
  return { ...attempt, path: `${attempt.path}${attempt.path.includes('?') ? '&' : '?'}dryRun=All` };
}

/** Sends it with that token. */
export async function request(
  { url, caPem }: RealKubernetes,
  token: string,
  { method, path, type = 'application/json', body }: Attempt,
): Promise<{ status: number; message: string }> {
  const answer = await ask(`${url}/api/v1/namespaces/${NAMESPACE}/${path}`, {
    ca: caPem,
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, message: answer.body };
}

/** The Secret into which Kubernetes puts the token of the ServiceAccount `victim`. */
export function tokenSecret(metadata: object): object {
  const annotations = { 'kubernetes.io/service-account.name': 'victim' };
  return { apiVersion: 'v1', kind: 'Secret', type: TOKEN_TYPE, metadata: { ...metadata, annotations } };
}

function serviceOf(spec: object, metadata: object = { name: SERVICE }): object {
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }], ...spec } };
}

function annotated(config: string): object {
  return { name: SERVICE, annotations: { [CONFIG]: config } };
}

const HEADLESS = { clusterIP: 'None' };
const create = (what: string, path: string, body: object): Attempt => ({ what, method: 'POST', path, body });

/** What the token would be worth if `create` were not limited. The first is the first step of two. */
export const CREATIONS: readonly Attempt[] = [
  create(
    'a token Secret under the name of the second Secret, to be listed',
    'secrets',
    tokenSecret({ name: `${SECRET}-ca` }),
  ),
  create('a token Secret under its own name', 'secrets', tokenSecret({ name: SECRET })),
  create('a Secret of type Opaque under its own name', 'secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET },
  }),
  create('a Secret of another name', 'secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'tls-of-another' },
    data: { 'tls.crt': '', 'tls.key': '' },
  }),
  create('a token Secret by generateName', 'secrets', tokenSecret({ generateName: `${SECRET}-` })),
  create('a Service of another name', 'services', serviceOf(HEADLESS, { name: 'of-another' })),
  create('a Service with externalIPs', 'services', serviceOf({ externalIPs: ['192.0.2.1'] })),
  create('a Service of type LoadBalancer', 'services', serviceOf({ type: 'LoadBalancer' })),
  create('a Service of type NodePort', 'services', serviceOf({ type: 'NodePort' })),
  create('a Service of type ExternalName', 'services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: SERVICE },
    spec: { type: 'ExternalName', externalName: 'evil.example.com' },
  }),
  create('a Service with an address', 'services', serviceOf({ clusterIP: '10.0.0.77' })),
  create('a Service that selects others', 'services', serviceOf({ ...HEADLESS, selector: { app: 'shop' } })),
  create('a Service with a Mapping in its annotation', 'services', serviceOf(HEADLESS, annotated(MAPPING))),
  create(
    'a Service with a Mapping after the TLSContext',
    'services',
    serviceOf(HEADLESS, annotated(OWN_CONTEXT + MAPPING)),
  ),
  create(
    'a Service with the annotation of another controller',
    'services',
    serviceOf(HEADLESS, {
      name: SERVICE,
      annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'shop.example.com' },
    }),
  ),
  {
    what: 'a token Secret under its own name by server-side apply',
    method: 'PATCH',
    path: `secrets/${SECRET}?fieldManager=evil`,
    type: APPLY,
    body: tokenSecret({ name: SECRET }),
  },
];

const change = (what: string, type: string, body: unknown): Attempt => ({
  what,
  method: 'PATCH',
  path: `services/${SERVICE}?fieldManager=evil${type === APPLY ? '&force=true' : ''}`,
  type,
  body,
});

/** What may be done to the published Service where nothing limits what stands in it. */
export const CHANGES: readonly Attempt[] = [
  change('externalIPs by a merge patch', MERGE, { spec: { externalIPs: ['192.0.2.1'] } }),
  change(
    'externalIPs by server-side apply',
    APPLY,
    serviceOf({ externalIPs: ['192.0.2.1'], ports: undefined }),
  ),
  change('another name by a strategic merge patch', STRATEGIC, {
    spec: { type: 'ExternalName', externalName: 'evil.example.com', clusterIP: null, clusterIPs: null },
  }),
  change('another selector by a JSON patch', JSON_PATCH, [
    { op: 'replace', path: '/spec/selector', value: { app: 'shop' } },
  ]),
  change('a Mapping in the annotation by a merge patch', MERGE, { metadata: annotated(MAPPING) }),
  change(
    'a Mapping in the annotation by server-side apply',
    APPLY,
    serviceOf({ ports: undefined }, annotated(MAPPING)),
  ),
  change('another Secret in the TLSContext by a merge patch', MERGE, {
    metadata: annotated(OWN_CONTEXT.replace(`secret: ${SECRET}`, 'secret: of-another')),
  }),
];

/** The API server itself lets no headless Service become one. */
export const LOAD_BALANCER = change('type LoadBalancer', MERGE, { spec: { type: 'LoadBalancer' } });

/** Steps that need rights which no variant grants. */
export const FOREIGN: readonly Attempt[] = [
  {
    what: 'the second step: listing that name',
    method: 'GET',
    path: `secrets?fieldSelector=metadata.name%3D${SECRET}-ca`,
  },
  { what: 'listing all Secrets', method: 'GET', path: 'secrets' },
  {
    what: 'listing another Secret',
    method: 'GET',
    path: 'secrets?fieldSelector=metadata.name%3Dof-somebody',
  },
  { what: 'getting another Secret', method: 'GET', path: 'secrets/of-somebody' },
  {
    what: 'patching another Secret',
    method: 'PATCH',
    path: 'secrets/of-somebody',
    type: MERGE,
    body: { data: { a: 'YQ==' } },
  },
  {
    what: 'replacing its own Secret',
    method: 'PUT',
    path: `secrets/${SECRET}`,
    body: tokenSecret({ name: SECRET }),
  },
  { what: 'deleting its own Secret', method: 'DELETE', path: `secrets/${SECRET}` },
  { what: 'listing all Services', method: 'GET', path: 'services' },
  {
    what: 'patching another Service',
    method: 'PATCH',
    path: 'services/of-somebody',
    type: MERGE,
    body: { spec: {} },
  },
  {
    what: 'the token of another ServiceAccount',
    method: 'POST',
    path: 'serviceaccounts/victim/token',
    body: { spec: {} },
  },
];
