import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../fixtures/kubernetes/json.ts';
import { makeBed, NAMESPACE } from './support/bed.ts';
import { check } from './support/report.ts';

const VERSION = 'getambassador.io/v3alpha1';
const OURS = 'ambassador-consul';
const MESH = { mesh: { tls: OURS, resolver: 'consul-dc1', service: 'a-sidecar-proxy' } };
const EDGE = { ambassador_id: ['edge'] };

/** The objects of each kind, by name, in the namespace `shop`. */
interface Resources {
  readonly mappings?: Readonly<Record<string, JsonObject>>;
  readonly contexts?: Readonly<Record<string, JsonObject>>;
  readonly resolvers?: Readonly<Record<string, JsonObject>>;
  /** The variables of a Deployment of Ambassador; undefined is one that the cluster sets. */
  readonly gateway?: Readonly<Record<string, string | undefined>>;
}

interface Case extends Resources {
  readonly env?: Readonly<Record<string, string>>;
  /** The rows that are a WARN, with the start of the detail, and the remedy; without them every row passes. */
  readonly warnings?: readonly (readonly [row: string, detail: string, remedy: string])[];
}

/** `real/check.test.ts` has two Mappings, a second TLSContext, a missing resolver and another ID, on a real API server. */
const CASES: Readonly<Record<string, Case>> = {
  'E3, E5: all of it matches, or is of another Ambassador': {
    mappings: {
      one: { service: 'https://qotm', tls: OURS },
      two: { service: 'https://qotm', tls: OURS },
      plain: { service: 'qotm' },
      foreign: { service: 'https://qotm', ...EDGE },
    },
    contexts: { [OURS]: EDGE },
    gateway: { AMBASSADOR_SINGLE_NAMESPACE: 'YES', AMBASSADOR_NAMESPACE: NAMESPACE },
  },
  'E5: no Service is published beside a TLSContext of our name, and a selector cannot be compared': {
    contexts: { [OURS]: {} },
    gateway: { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team in (edge, core)' },
    env: { _AMBASSADOR_SERVICE_ENABLED: 'false' },
  },
  'E3: two Mappings to one host differ, and Ambassador watches only its own namespace': {
    mappings: { mesh: { service: 'https://qotm', tls: OURS }, plain: { service: 'https://QOTM' } },
    gateway: { AMBASSADOR_NAMESPACE: undefined, AMBASSADOR_SINGLE_NAMESPACE: 'YES' },
    warnings: [
      [
        'gateway',
        `shop/emissary watches only namespace shop, but the connector publishes in ${NAMESPACE}`,
        'install the connector in namespace shop, or remove AMBASSADOR_SINGLE_NAMESPACE from shop/emissary',
      ],
      [
        'gateway-mappings',
        'shop/mesh and shop/plain reach https://qotm, one of them without',
        'set tls: ambassador-consul in each of them, or use another host name',
      ],
    ],
  },
  'a service has a dot, which a ConsulResolver does not allow, and Ambassador selects by label': {
    mappings: { dotted: { ...MESH.mesh, service: 'qotm.shop' } },
    resolvers: { 'consul-dc1': {}, foreign: EDGE },
    gateway: { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team=edge,tier==gold' },
    env: { _AMBASSADOR_LABELS: 'tier=gold' },
    warnings: [
      [
        'gateway',
        'shop/emissary reads only objects with the labels team=edge, which the connector does not set',
        'set _AMBASSADOR_LABELS=team=edge',
      ],
      [
        'gateway-resolvers',
        'Ambassador ignores shop/dotted: its service qotm.shop has a dot',
        'set service of shop/dotted to the name of the sidecar in Consul, such as qotm-sidecar-proxy',
      ],
    ],
  },
  'Ambassador queries Consul without a token': {
    mappings: MESH,
    resolvers: { 'consul-dc1': {} },
    gateway: { AMBASSADOR_ID: '' },
    env: { _CONSUL_HTTP_TOKEN: 'some-token' },
    warnings: [
      [
        'gateway',
        'shop/emissary has no CONSUL_HTTP_TOKEN: if ACLs are enabled in Consul, Mappings with a ConsulResolver answer 503',
        'give shop/emissary a CONSUL_HTTP_TOKEN of its own, with service:read and node:read',
      ],
    ],
  },
};

describe('check of the gateway:', { concurrency: 2 }, () => {
  for (const [what, { env, warnings = [], ...resources }] of Object.entries(CASES)) {
    test(`${what}: ${warnings.length === 0 ? 'PASS' : 'WARN'}`, async (t) => {
      const bed = await makeBed(t);
      bed.limitCreation();
      for (const [path, body] of Object.entries(answersOf(resources)))
        bed.cluster.script({ path }, { status: 200, body });

      const { notPassed } = await check(bed, env);

      assert.deepEqual(
        notPassed.map(({ check: row, status, remedy }) => [row, status, remedy]),
        warnings.map(([row, , remedy]) => [row, 'warn', remedy]),
      );
      for (const [index, [, detail]] of warnings.entries())
        assert.ok(notPassed[index]?.detail.startsWith(detail), notPassed[index]?.detail);
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
