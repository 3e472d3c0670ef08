import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { Report } from './support/report.ts';

const VERSION = 'getambassador.io/v3alpha1';
const OURS = 'ambassador-consul';
/** On a loaded machine ten seconds may not be enough to ask anything: here they take a minute. */
const unhurried = () => fastTimeOf(1 / 6, Date.now());

interface Spec {
  readonly service?: string;
  readonly tls?: string;
  readonly ambassador_id?: string[];
}

/** `check` in a cluster with these resources of Ambassador. */
async function check(
  t: TestContext,
  { mappings = {}, contexts = {} }: Partial<Record<'mappings' | 'contexts', Record<string, Spec>>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const bed = await makeBed(t);
  bed.limitCreation();
  const preferredVersion = { groupVersion: VERSION, version: 'v3alpha1' };
  bed.cluster.script({ path: '/apis/getambassador.io' }, { status: 200, body: { preferredVersion } });
  for (const [plural, specs] of Object.entries({ mappings, tlscontexts: contexts })) {
    const items = Object.entries(specs).map(([name, spec]) => ({
      metadata: { namespace: 'shop', name },
      spec: { ...spec },
    }));
    bed.cluster.script({ path: `/apis/${VERSION}/${plural}` }, { status: 200, body: { items } });
  }
  return Report.of(bed.start({ ...unhurried(), ...env }, ['check', '--json']));
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
