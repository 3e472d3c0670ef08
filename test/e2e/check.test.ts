import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { refusals } from '../consul/refusals.ts';
import { makeBed } from './support/bed.ts';
import { startDaemon } from './support/daemon.ts';

interface Report {
  readonly ok: boolean;
  readonly rows: readonly { check: string; status: string; code?: string; remedy?: string }[];
}

function firstFail(stdout: string) {
  const report: Report = JSON.parse(stdout);
  return report.rows.find(({ status }) => status === 'fail');
}

describe('check', { concurrency: 2 }, () => {
  test('is exit 0 with no FAIL and nothing written where all is well', async (t) => {
    const bed = await makeBed(t, { cluster: { groups: ['getambassador.io/v2'] } });

    const daemon = bed.start({}, ['check', '--json']);

    assert.equal((await daemon.exited).code, 0, daemon.stdout + daemon.stderr);
    const report: Report = JSON.parse(daemon.stdout);
    assert.ok(report.ok && report.rows.length === 20, daemon.stdout);
    assert.deepEqual(
      report.rows.filter(({ status }) => status !== 'pass'),
      [],
    );
    assert.equal(bed.cluster.writes(), 0);
  });

  for (const resource of ['secrets', 'services'] as const) {
    for (const verb of ['list', 'watch', 'create', 'patch'] as const) {
      test(`names ${verb} on ${resource} first where that is missing`, async (t) => {
        const bed = await makeBed(t);
        bed.cluster.deny({ verb, resource });

        const daemon = bed.start({}, ['check', '--json']);

        assert.equal((await daemon.exited).code, 1);
        const row = firstFail(daemon.stdout);
        assert.equal(row?.code, 'KUBERNETES_FORBIDDEN');
        assert.match(row?.remedy ?? '', new RegExp(`resources: \\["${resource}"\\].*verbs: \\["${verb}"\\]`));
      });
    }
  }

  test('without a token where one is needed the token is the first FAIL, and the identity is skipped', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('leaf', () => refusals.permissionDenied);

    const daemon = bed.start({}, ['check', '--json']);

    assert.equal((await daemon.exited).code, 1);
    assert.equal(firstFail(daemon.stdout)?.check, 'consul-token');
    const report: Report = JSON.parse(daemon.stdout);
    assert.equal(report.rows.find(({ check }) => check === 'identity')?.status, 'skipped');
  });

  test('a bad configuration is exit 2 and the first row', async () => {
    const daemon = startDaemon({ _CONSUL_PORT: '85oo', _CONSUL_WAIT: '60' }, ['check']);

    assert.equal((await daemon.exited).code, 2);
    assert.match(daemon.stdout, /^FAIL {5}configuration[\s\S]*_CONSUL_PORT must[\s\S]*_CONSUL_WAIT must/);
  });
});

describe('render', { concurrency: 2 }, () => {
  test('prints the same twice, without the key, and writes nothing', async (t) => {
    const bed = await makeBed(t);

    const [first, second] = [bed.start({}, ['render']), bed.start({}, ['render'])];

    assert.equal((await first.exited).code, 0, first.stderr);
    assert.equal((await second.exited).code, 0);
    assert.equal(first.stdout, second.stdout);
    assert.deepEqual(
      parseAllDocuments(first.stdout).map((document) => document.toJSON().kind),
      ['Secret', 'Service'],
    );
    assert.equal(bed.cluster.writes(), 0);
  });

  test('works without a cluster, and says which apiVersion it assumed', async (t) => {
    const bed = await makeBed(t);

    const daemon = bed.start({ KUBECONFIG: '/nowhere/config' }, ['render']);

    assert.equal((await daemon.exited).code, 0, daemon.stderr);
    assert.match(daemon.stderr, /apiVersion ambassador\/v1 is assumed/);
  });
});
