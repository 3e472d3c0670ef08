import { CA_SECRET, CONFIG, SECRET, SERVICE } from './world.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** A request to the API server, and what it would gain. */
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

/** The same as a dry run. */
export function dry(attempt: Attempt): Attempt {
  return { ...attempt, path: `${attempt.path}${attempt.path.includes('?') ? '&' : '?'}dryRun=All` };
}

function secretOf(metadata: object, fields: object = {}): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata, ...fields };
}

/** The Secret into which Kubernetes writes the token of the ServiceAccount `victim`. */
export function tokenSecret(metadata: object): object {
  const annotations = { 'kubernetes.io/service-account.name': 'victim' };
  return secretOf({ ...metadata, annotations }, { type: 'kubernetes.io/service-account-token' });
}

function serviceOf(spec: object, metadata: object = { name: SERVICE }): object {
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }], ...spec } };
}

function annotated(config: string): object {
  return { name: SERVICE, annotations: { [CONFIG]: config } };
}

const HEADLESS = { clusterIP: 'None' };
const EXTERNAL_NAME = { type: 'ExternalName', externalName: 'evil.example.com' };
const EMPTY_TLS = { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } };
const HOSTNAME = { 'external-dns.alpha.kubernetes.io/hostname': 'shop.example.com' };

const SECRETS: readonly (readonly [what: string, body: object])[] = [
  ['a token Secret under the name of the second Secret, to be listed', tokenSecret({ name: CA_SECRET })],
  ['a token Secret under its own name', tokenSecret({ name: SECRET })],
  ['a Secret of type Opaque under its own name', secretOf({ name: SECRET })],
  ['a Secret of another name', secretOf({ name: 'tls-of-another' }, EMPTY_TLS)],
  ['a token Secret by generateName', tokenSecret({ generateName: `${SECRET}-` })],
];
const SERVICES: readonly (readonly [what: string, body: object])[] = [
  ['a Service of another name', serviceOf(HEADLESS, { name: 'of-another' })],
  ['a Service with externalIPs', serviceOf({ externalIPs: ['192.0.2.1'] })],
  ['a Service of type LoadBalancer', serviceOf({ type: 'LoadBalancer' })],
  ['a Service of type NodePort', serviceOf({ type: 'NodePort' })],
  ['a Service of type ExternalName', serviceOf({ ...EXTERNAL_NAME, ports: undefined })],
  ['a Service with an address', serviceOf({ clusterIP: '10.0.0.77' })],
  ['a Service that selects others', serviceOf({ ...HEADLESS, selector: { app: 'shop' } })],
  ['a Service with a Mapping in its annotation', serviceOf(HEADLESS, annotated(MAPPING))],
  ['a Service with a Mapping after the TLSContext', serviceOf(HEADLESS, annotated(OWN_CONTEXT + MAPPING))],
  [
    'a Service with the annotation of another controller',
    serviceOf(HEADLESS, { name: SERVICE, annotations: HOSTNAME }),
  ],
];

/** What the token would allow if `create` were not limited. The first is the first step of two. */
export const CREATIONS: readonly Attempt[] = [
  ...SECRETS.map(([what, body]) => ({ what, method: 'POST', path: 'secrets', body }) as const),
  ...SERVICES.map(([what, body]) => ({ what, method: 'POST', path: 'services', body }) as const),
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

/** Possible changes of the published Service if nothing limits its contents. */
export const CHANGES: readonly Attempt[] = [
  change('externalIPs by a merge patch', MERGE, { spec: { externalIPs: ['192.0.2.1'] } }),
  change(
    'externalIPs by server-side apply',
    APPLY,
    serviceOf({ externalIPs: ['192.0.2.1'], ports: undefined }),
  ),
  change('another name by a strategic merge patch', STRATEGIC, {
    spec: { ...EXTERNAL_NAME, clusterIP: null, clusterIPs: null },
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

/** The API server itself refuses this for a headless Service. */
export const LOAD_BALANCER = change('type LoadBalancer', MERGE, { spec: { type: 'LoadBalancer' } });

/** Another controller would act on it. */
export const FOREIGN_ANNOTATION: Attempt = {
  what: 'an annotation of another controller',
  method: 'PATCH',
  path: `secrets/${SECRET}`,
  type: MERGE,
  body: { metadata: { annotations: { 'reflector.v1.k8s.emberstack.com/reflection-auto-enabled': 'true' } } },
};

const STEPS: readonly (readonly [what: string, method: Attempt['method'], path: string, body?: object])[] = [
  ['the second step: listing that name', 'GET', `secrets?fieldSelector=metadata.name%3D${CA_SECRET}`],
  ['listing all Secrets', 'GET', 'secrets'],
  ['listing another Secret', 'GET', 'secrets?fieldSelector=metadata.name%3Dforeign'],
  ['getting another Secret', 'GET', 'secrets/foreign'],
  ['patching another Secret', 'PATCH', 'secrets/foreign', { data: { a: 'YQ==' } }],
  ['replacing its own Secret', 'PUT', `secrets/${SECRET}`, tokenSecret({ name: SECRET })],
  ['deleting its own Secret', 'DELETE', `secrets/${SECRET}`],
  ['listing all Services', 'GET', 'services'],
  ['patching another Service', 'PATCH', 'services/foreign', { spec: {} }],
  ['the token of another ServiceAccount', 'POST', 'serviceaccounts/victim/token', { spec: {} }],
];

/** These need rights that no variant grants. */
export const FOREIGN: readonly Attempt[] = STEPS.map(([what, method, path, body]) => ({
  ...{ what, method, path, body },
  ...(method === 'PATCH' && { type: MERGE }),
}));
