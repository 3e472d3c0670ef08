import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { makeBed, NAMESPACE } from './support/bed.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { Report } from './support/report.ts';

const VERSION = 'getambassador.io/v3alpha1';
const OURS = 'ambassador-consul';
/** On a loaded machine ten seconds may not be enough to ask anything: here they take a minute. */
const unhurried = () => fastTimeOf(1 / 6, Date.now());

interface Spec {
  readonly service?: string;
  readonly tls?: string;
  readonly resolver?: string;
  readonly ambassador_id?: string[];
}

/** What there is of each kind, by name. */
interface Resources {
  readonly mappings?: Readonly<Record<string, Spec>>;
  readonly contexts?: Readonly<Record<string, Spec>>;
  readonly resolvers?: Readonly<Record<string, Spec>>;
  /** The variables of a Deployment of Ambassador in the namespace `shop`; undefined stands elsewhere. */
  readonly gateway?: Readonly<Record<string, string | undefined>>;
}

/** `check` in a cluster with these resources of Ambassador. */
async function check(
  t: TestContext,
  { mappings = {}, contexts = {}, resolvers = {}, gateway }: Resources,
  env: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const bed = await makeBed(t);
  bed.limitCreation();
  const preferredVersion = { groupVersion: VERSION, version: 'v3alpha1' };
  bed.cluster.script({ path: '/apis/getambassador.io' }, { status: 200, body: { preferredVersion } });
  const serve = (version: string, plural: string, specs: Readonly<Record<string, object>>) => {
    const items = Object.entries(specs).map(([name, spec]) => ({
      metadata: { namespace: 'shop', name },
      spec: { ...spec },
    }));
    bed.cluster.script({ path: `/apis/${version}/${plural}` }, { status: 200, body: { items } });
  };
  serve(VERSION, 'mappings', mappings);
  serve(VERSION, 'tlscontexts', contexts);
  serve(VERSION, 'consulresolvers', resolvers);
  serve(VERSION, 'kubernetesserviceresolvers', {});
  serve(VERSION, 'kubernetesendpointresolvers', { pods: {} });
  if (gateway !== undefined)
    serve('apps/v1', 'deployments', { emissary: workload(gateway), other: workload({}) });
  return Report.of(bed.start({ ...unhurried(), ...env }, ['check', '--json']));
}

function workload(variables: Readonly<Record<string, string | undefined>>): object {
  const env = Object.entries(variables).map(([name, value]) =>
    value === undefined
      ? { name, valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }
      : { name, value },
  );
  return { template: { spec: { containers: [{ env: [] }, { env }] } } };
}

describe('check of what the gateway is configured with', { concurrency: 2 }, () => {
  test('E3: two Mappings to one https host, one of them with our TLSContext, are a WARN that names both', async (t) => {
    const report = await check(t, {
      mappings: {
        mesh: { service: 'https://qotm', tls: OURS },
        plain: { service: 'https://QOTM' },
        elsewhere: { service: 'https://other' },
      },
    });

    const row = report.row('gateway-mappings');
    assert.equal(row?.status, 'warn');
    assert.match(row?.detail ?? '', /^shop\/mesh and shop\/plain reach https:\/\/qotm, one of them without/);
    assert.equal(row?.remedy, 'give each of them tls: ambassador-consul, or another name of the host');
  });

  test('E3: Mappings that agree, that have no https host, or that are of another Ambassador are none', async (t) => {
    const report = await check(t, {
      mappings: {
        one: { service: 'https://qotm', tls: OURS },
        two: { service: 'https://qotm', tls: OURS },
        plain: { service: 'qotm' },
        foreign: { service: 'https://qotm', ambassador_id: ['edge'] },
      },
    });

    assert.equal(report.row('gateway-mappings')?.detail, '2 with tls: ambassador-consul');
    assert.deepEqual(report.notPassed, []);
  });

  test('a Mapping that Ambassador leaves out because of its resolver is a WARN with the resolvers there are', async (t) => {
    const report = await check(t, {
      mappings: {
        typo: { tls: OURS, resolver: 'consul-dc2', service: 'qotm-sidecar-proxy' },
        dotted: { tls: OURS, resolver: 'consul-dc1', service: 'qotm.shop' },
        right: { tls: OURS, resolver: 'consul-dc1', service: 'https://qotm-sidecar-proxy' },
        pods: { tls: OURS, resolver: 'pods', service: 'qotm.shop:20000' },
        default: { tls: OURS, service: 'qotm.shop:20000' },
        foreign: { resolver: 'none' },
      },
      resolvers: { 'consul-dc1': {}, foreign: { ambassador_id: ['edge'] } },
    });

    const row = report.row('gateway-resolvers');
    assert.equal(row?.status, 'warn');
    assert.deepEqual(row?.detail.split('\n'), [
      'Ambassador leaves shop/typo out: its resolver consul-dc2 does not exist',
      'Ambassador leaves shop/dotted out: its service qotm.shop has a dot, which a ConsulResolver does not allow',
    ]);
    assert.match(
      row?.remedy ?? '',
      /^create the ConsulResolver consul-dc2, or set resolver to one that is there: .*endpoint, pods, consul-dc1$/m,
    );
  });

  for (const [what, { gateway, env, detail, remedy }] of Object.entries({
    'of another ID': {
      gateway: { AMBASSADOR_ID: 'edge' },
      env: {},
      detail: 'shop/emissary has the AMBASSADOR_ID edge, and this publishes for default',
      remedy: 'set _AMBASSADOR_ID=edge if shop/emissary is your gateway',
    },
    'of no ID': {
      gateway: { AMBASSADOR_NAMESPACE: undefined },
      env: { _AMBASSADOR_ID: 'edge' },
      detail: 'shop/emissary has the AMBASSADOR_ID default, and this publishes for edge',
      remedy: 'unset _AMBASSADOR_ID if shop/emissary is your gateway',
    },
    'that watches its own namespace alone': {
      gateway: { AMBASSADOR_NAMESPACE: undefined, AMBASSADOR_SINGLE_NAMESPACE: 'YES' },
      env: {},
      detail: `shop/emissary watches namespace shop alone, and this publishes in ${NAMESPACE}`,
      remedy:
        'install the connector in namespace shop, or take AMBASSADOR_SINGLE_NAMESPACE from shop/emissary',
    },
    'that selects by label': {
      gateway: { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team=edge,tier==gold' },
      env: { _AMBASSADOR_LABELS: 'tier=gold' },
      detail: 'shop/emissary reads only what has the labels team=edge, which this does not publish',
      remedy: 'set _AMBASSADOR_LABELS=team=edge',
    },
    'that asks Consul without a token': {
      gateway: { AMBASSADOR_ID: '' },
      env: { _CONSUL_HTTP_TOKEN: 'some-token' },
      detail:
        'shop/emissary has no CONSUL_HTTP_TOKEN: where Consul has ACLs, Mappings with a ConsulResolver answer 503',
      remedy: 'give shop/emissary a CONSUL_HTTP_TOKEN of its own, with service:read and node:read',
    },
  })) {
    test(`an Ambassador ${what} is a WARN`, async (t) => {
      const mappings = { mesh: { tls: OURS, resolver: 'consul-dc1', service: 'qotm-sidecar-proxy' } };
      const report = await check(t, { gateway, mappings, resolvers: { 'consul-dc1': {} } }, env);

      assert.deepEqual(report.notPassed, [
        { check: 'gateway', what: 'Ambassador', status: 'warn', detail, remedy },
      ]);
    });
  }

  test('an Ambassador that reads what is published, as far as can be told, passes', async (t) => {
    for (const gateway of [
      { AMBASSADOR_ID: 'default', AMBASSADOR_NAMESPACE: undefined },
      { AMBASSADOR_SINGLE_NAMESPACE: 'YES', AMBASSADOR_NAMESPACE: NAMESPACE },
      { AMBASSADOR_ID: 'default', AMBASSADOR_LABEL_SELECTOR: 'team in (edge, core)' },
    ]) {
      const report = await check(t, { gateway });

      assert.equal(report.row('gateway')?.detail, 'shop/emissary');
      assert.deepEqual(report.notPassed, []);
    }
  });

  test('E5: a TLSContext of our name is a WARN, unless we publish none', async (t) => {
    const contexts = { [OURS]: {}, another: {} };

    const report = await check(t, { contexts });
    const unpublished = await check(t, { contexts }, { _AMBASSADOR_SERVICE_ENABLED: 'false' });

    const row = report.row('gateway-tlscontexts');
    assert.equal(row?.status, 'warn');
    assert.match(row?.detail ?? '', /^shop\/ambassador-consul is named as ours/);
    assert.match(row?.remedy ?? '', /_AMBASSADOR_SERVICE_ENABLED=false/);
    assert.deepEqual(unpublished.notPassed, []);
  });

  test('E5: a TLSContext of our name for another Ambassador is none', async (t) => {
    const contexts = { [OURS]: { ambassador_id: ['default'] } };

    const report = await check(t, { contexts }, { _AMBASSADOR_ID: 'edge' });

    assert.equal(report.row('gateway-tlscontexts')?.status, 'pass');
  });
});
