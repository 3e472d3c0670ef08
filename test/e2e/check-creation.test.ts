import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Response } from '../fixtures/kubernetes/index.ts';
import { type Bed, isDryRun, makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { fastTimeOf } from './support/fast-time.ts';
import { Report, type ReportRow } from './support/report.ts';

/** On a loaded machine ten seconds may not be enough to ask anything: here they take a minute. */
const unhurried = () => fastTimeOf(1 / 6, Date.now());

/** What `check` says of the limit on `create`, to an account that may list no Secret but its own. */
async function creation(bed: Bed): Promise<ReportRow | undefined> {
  bed.cluster.deny({ verb: 'list', resource: 'secrets', name: '' });
  const report = await Report.of(bed.start(unhurried(), ['check', '--json']));
  assert.equal(bed.cluster.writes(), 0);
  return report.row('creation');
}

async function answered(t: TestContext, message: string, status = 403): Promise<ReportRow | undefined> {
  const bed = await makeBed(t);
  const response: Response = { status, body: { kind: 'Status', status: 'Failure', message, code: status } };
  bed.cluster.script(isDryRun, response);
  return creation(bed);
}

describe('check of the limit on create', { concurrency: 2 }, () => {
  test('S1: where any Secret may be created that is a WARN, with both manifests that limit it', async (t) => {
    const row = await creation(await makeBed(t));

    assert.equal(row?.status, 'warn');
    assert.equal(row?.detail, `any Secret and any Service may be created in namespace ${NAMESPACE}`);
    assert.match(row?.remedy ?? '', /k8s\/ambassador-consul-connector\.yaml .*k8s\/overlays\/no-create$/);
  });

  test('S1: a policy that refuses a Secret of another name is a PASS with its name', async (t) => {
    const bed = await makeBed(t);
    bed.limitCreation();

    const row = await creation(bed);

    assert.equal(row?.status, 'pass');
    assert.equal(row?.detail, 'a Secret of another name is refused by ValidatingAdmissionPolicy only-ours');
  });

  test('S1: a webhook that refuses it is a PASS, one that judges no dry run a WARN', async (t) => {
    const refused = await answered(t, 'admission webhook "only.ours" denied the request: no');
    const unable = await answered(t, 'admission webhook "only.ours" does not support dry run', 400);

    assert.equal(refused?.detail, 'a Secret of another name is refused by admission webhook only.ours');
    assert.deepEqual([refused?.status, unable?.status], ['pass', 'warn']);
    assert.equal(unable?.code, 'KUBERNETES_REJECTED');
  });

  test('S1: where nothing may be created, and the objects are there, every row of it is a PASS', async (t) => {
    const bed = await makeBed(t);
    await (await bed.startReady()).stop();
    const written = bed.cluster.writes();
    for (const resource of ['secrets', 'services']) bed.cluster.deny({ verb: 'create', resource });
    bed.cluster.deny({ verb: 'list', resource: 'secrets', name: '' });

    const report = await Report.of(bed.start(unhurried(), ['check', '--json']));

    assert.deepEqual(report.notPassed, []);
    assert.match(report.row('creation')?.detail ?? '', /^nothing may be created: /);
    const right = report.row(`rbac-create-secrets-${SECRET}`);
    assert.equal(right?.detail, `not allowed, and not needed while ${NAMESPACE}/${SECRET} is there`);
    assert.equal(bed.cluster.writes(), written);
  });

  test('S1: where nothing may be created, and an object is missing, the remedy has the file with the placeholders', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.deny({ verb: 'create', resource: 'services' });

    const report = await Report.of(bed.start(unhurried(), ['check', '--json']));

    const { check, remedy } = report.firstFail ?? assert.fail();
    assert.equal(check, `rbac-create-services-${SERVICE}`);
    assert.match(remedy ?? '', /kubectl create -f k8s\/overlays\/no-create\/placeholders\.yaml$/);
  });

  test('S1: to whom may read every Secret anyway it says nothing, and creates none as a dry run either', async (t) => {
    const bed = await makeBed(t);

    const report = await Report.of(bed.start(unhurried(), ['check', '--json']));

    assert.equal(report.row('creation')?.status, 'skipped');
    assert.ok(!bed.cluster.requests.some(isDryRun));
  });
});
