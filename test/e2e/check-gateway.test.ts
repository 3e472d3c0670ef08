import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../fixtures/kubernetes/json.ts';
import { makeBed, NAMESPACE } from './support/bed.ts';
import { check } from './support/report.ts';

const VERSION = 'getambassador.io/v3alpha1';
const OURS = 'ambassador-consul';
const MESH = { mesh: { tls: OURS, resolver: 'consul-dc1', service: 'a-sidecar-proxy' } };
const EDGE = { ambassador_id: ['edge'] };

/** What there is of each kind, by name, in the namespace `shop`. */
interface Resources {
  readonly mappings?: Readonly<Record<string, JsonObject>>;
  readonly contexts?: Readonly<Record<string, JsonObject>>;
  readonly resolvers?: Readonly<Record<string, JsonObject>>;
  /** The variables of a Deployment of Ambassador; undefined is one that the cluster sets. */
  readonly gateway?: Readonly<Record<string, string | undefined>>;
}

interface Case extends Resources {
  readonly env?: Readonly<Record<string, string>>;
  /** The only row that is a WARN, and what it says; where there is none, every row passes. */
  readonly row?: string;
  readonly detail?: string;
  readonly remedy?: string;
}

/** `real/check.test.ts` has what is wrong with two Mappings, a second TLSContext, a resolver and an ID, of a real API server. */
const CASES: Readonly<Record<string, Case>> = {
  'E3: Mappings that agree, have no https host or are of another Ambassador': {
    mappings: {
      one: { service: 'https://qotm', tls: OURS },
      two: { service: 'https://qotm', tls: OURS },
      plain: { service: 'qotm' },
      foreign: { service: 'https://qotm', ...EDGE },
    },
  },
  'E3: another name of the host of one of two Mappings with different settings': {
    mappings: { mesh: { service: 'https://qotm', tls: OURS }, plain: { service: 'https://QOTM' } },
    row: 'gateway-mappings',
    detail: 'shop/mesh and shop/plain reach https://qotm, one of them without',
    remedy: 'set tls: ambassador-consul in each of them, or use another host name',
  },
  'E5: a TLSContext of our name for another Ambassador': { contexts: { [OURS]: EDGE } },
  'E5: a TLSContext of our name where we publish none': {
    contexts: { [OURS]: {} },
    env: { _AMBASSADOR_SERVICE_ENABLED: 'false' },
  },
  'a service with a dot, which a ConsulResolver does not allow': {
    mappings: { dotted: { ...MESH.mesh, service: 'qotm.shop' } },
    resolvers: { 'consul-dc1': {}, foreign: EDGE },
    row: 'gateway-resolvers',
    detail: 'Ambassador ignores shop/dotted: its service qotm.shop has a dot',
  },
  'an Ambassador that watches its own namespace alone': {
    gateway: { AMBASSADOR_NAMESPACE: undefined, AMBASSADOR_SINGLE_NAMESPACE: 'YES' },
    row: 'gateway',
    detail: `shop/emissary watches only namespace shop, but the connector publishes in ${NAMESPACE}`,
    remedy:
      'install the connector in namespace shop, or remove AMBASSADOR_SINGLE_NAMESPACE from shop/emissary',
  },
  'an Ambassador that watches our namespace alone': {
    gateway: { AMBASSADOR_SINGLE_NAMESPACE: 'YES', AMBASSADOR_NAMESPACE: NAMESPACE },
  },
  'an Ambassador that selects by label': {
    gateway: { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team=edge,tier==gold' },
    env: { _AMBASSADOR_LABELS: 'tier=gold' },
    row: 'gateway',
    detail: 'shop/emissary reads only objects with the labels team=edge, which the connector does not set',
    remedy: 'set _AMBASSADOR_LABELS=team=edge',
  },
  'an Ambassador with a selector that is not compared': {
    gateway: { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team in (edge, core)' },
  },
  'an Ambassador that queries Consul without a token': {
    mappings: MESH,
    resolvers: { 'consul-dc1': {} },
    gateway: { AMBASSADOR_ID: '' },
    env: { _CONSUL_HTTP_TOKEN: 'some-token' },
    row: 'gateway',
    detail:
      'shop/emissary has no CONSUL_HTTP_TOKEN: if ACLs are enabled in Consul, Mappings with a ConsulResolver answer 503',
    remedy: 'give shop/emissary a CONSUL_HTTP_TOKEN of its own, with service:read and node:read',
  },
};

describe('check of what the gateway is configured with:', { concurrency: 2 }, () => {
  for (const [what, { env, row, detail = '', remedy, ...resources }] of Object.entries(CASES)) {
    test(`${what}: ${row === undefined ? 'PASS' : 'WARN'}`, async (t) => {
      const bed = await makeBed(t);
      bed.limitCreation();
      for (const [path, body] of Object.entries(answersOf(resources)))
        bed.cluster.script({ path }, { status: 200, body });

      const { notPassed } = await check(bed, env);

      assert.deepEqual(
        notPassed.map((found) => [found.check, found.status]),
        row === undefined ? [] : [[row, 'warn']],
      );
      assert.ok(notPassed[0]?.detail.startsWith(detail) ?? true, notPassed[0]?.detail);
      if (remedy !== undefined) assert.equal(notPassed[0]?.remedy, remedy);
    });
  }
});

function answersOf({
  mappings = {},
  contexts = {},
  resolvers = {},
  gateway,
}: Resources): Record<string, JsonObject> {
  const items = (specs: Readonly<Record<string, JsonObject>>) => ({
    items: Object.entries(specs).map(([name, spec]) => ({ metadata: { namespace: 'shop', name }, spec })),
  });
  const env = Object.entries(gateway ?? {}).map(([name, value]) =>
    value === undefined
      ? { name, valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }
      : { name, value },
  );
  const workload = (variables: JsonObject[]) => ({
    template: { spec: { containers: [{ env: [] }, { env: variables }] } },
  });
  return {
    '/apis/getambassador.io': { preferredVersion: { groupVersion: VERSION, version: 'v3alpha1' } },
    [`/apis/${VERSION}/mappings`]: items(mappings),
    [`/apis/${VERSION}/tlscontexts`]: items(contexts),
    [`/apis/${VERSION}/consulresolvers`]: items(resolvers),
    [`/apis/${VERSION}/kubernetesserviceresolvers`]: items({}),
    [`/apis/${VERSION}/kubernetesendpointresolvers`]: items({ pods: {} }),
    ...(gateway && { '/apis/apps/v1/deployments': items({ emissary: workload(env), other: workload([]) }) }),
  };
}
