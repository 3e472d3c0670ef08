import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import { Metrics } from '../../../src/status/metrics.ts';
import { bundleOf, DAY, HOUR, material, NOW, newLeaf, newRoot, SERVICE } from '../identity/support.ts';

const PREFIX = 'ambassador_consul_connector_';

/** The exported value of a series; undefined if it is not exported. */
async function exported(metrics: Metrics, series: string): Promise<number | undefined> {
  const text = await metrics.text([]);
  const line = text.split('\n').find((each) => each.startsWith(`${PREFIX}${series} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

async function newIdentity() {
  const root = await newRoot();
  return verifyIdentity(material(await newLeaf(root)), SERVICE, bundleOf(root), NOW);
}

test('the end of a leaf is exported from its publication on, even when it is no longer published, since it may be the cause', async () => {
  const metrics = new Metrics('1.0.0');
  const state = async () => [
    await exported(metrics, 'published'),
    await exported(metrics, 'leaf_not_after_timestamp_seconds'),
  ];
  const identity = await newIdentity();

  assert.deepEqual(await state(), [0, undefined]);
  metrics.published(identity);
  assert.deepEqual(await state(), [1, identity.leaf.notAfter / 1000]);
  metrics.unpublished();
  assert.deepEqual(await state(), [0, identity.leaf.notAfter / 1000]);
});

test('Consul is up while the last query was answered; one that timed out changes nothing', async () => {
  const metrics = new Metrics('1.0.0');
  const up = () => exported(metrics, 'consul_up{query="leaf"}');

  assert.equal(await up(), undefined);
  metrics.consulAnswered('leaf', NOW, 0, true);
  assert.equal(await up(), 1);
  metrics.consulTimedOut('leaf');
  assert.equal(await up(), 1);
  metrics.consulFailed('leaf', 'CONSUL_UNREACHABLE');
  assert.equal(await up(), 0);
  assert.equal(await exported(metrics, 'consul_last_answer_timestamp_seconds{query="leaf"}'), NOW / 1000);
});

test('a rejected answer is counted from 0 on, and shown until one is accepted', async () => {
  const metrics = new Metrics('1.0.0');
  const counted = () => exported(metrics, 'rejected_candidates_total{code="NO_CHAIN"}');
  assert.equal(await counted(), 0);
  metrics.rejected('NO_CHAIN');
  assert.equal(await counted(), 1);
  assert.equal(await exported(metrics, 'candidate_rejected'), 1);
  metrics.accepted();
  assert.equal(await exported(metrics, 'candidate_rejected'), 0);
});

test('a write is counted from 0 on, with its time', async () => {
  const metrics = new Metrics('1.0.0');
  const series = 'writes_total{object="identity",reason="renewal-due"}';
  assert.equal(await exported(metrics, series), 0);
  metrics.wrote('identity', 'renewal-due', NOW);
  assert.equal(await exported(metrics, series), 1);
  assert.equal(await exported(metrics, 'last_write_timestamp_seconds{object="identity"}'), NOW / 1000);
});

test('docs/monitoring.md has each metric with its type and labels, and no other', async () => {
  const metrics = new Metrics('1.0.0');
  metrics.published(await newIdentity());
  metrics.trusted(bundleOf(await newRoot()));
  metrics.consulAnswered('leaf', NOW, 0, true);
  metrics.kubernetesRequested('list', 'secrets', 'ok');
  metrics.wrote('identity', 'renewal-due', NOW);
  const text = await metrics.text([]);

  const docs = await readFile(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8');

  const rows = [...docs.matchAll(/^\| `([a-z_]+)(?:\{([a-z,]+)\})?` +\| (\w+) +\| .{5,} \|$/gm)];
  assert.deepEqual(
    rows.map(([, name = '', labels = '', type]) => `${name}{${labels}} ${type}`).sort(),
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
      .map(([, name = '', type]) => {
        const [, labels = ''] = new RegExp(`^${name}\\{(.*)\\} `, 'm').exec(text) ?? [];
        return `${name}{${[...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).join(',')}} ${type}`;
      })
      .sort(),
  );
});

test('each reason for being unready is a series, whether it applies or not', async () => {
  const text = await new Metrics('1.0.0').text(['expiring', 'service']);

  assert.deepEqual(
    [...text.matchAll(/unready\{reason="(\w+)"\} (\d)/g)].map(([, reason, value]) => [reason, value]),
    [
      ['unpublished', '0'],
      ['expiring', '1'],
      ['identity', '0'],
      ['service', '1'],
    ],
  );
  assert.match(text, /connector_ready 0\n/);
});

test('the end of the roots is that of the active one, that of the intermediates is the earliest', async () => {
  const metrics = new Metrics('1.0.0');
  const [active, old] = [await newRoot(), await newRoot({ notAfter: new Date(NOW + DAY) })];
  const intermediate = await active.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  const end = (certificate: string) =>
    exported(metrics, `ca_not_after_timestamp_seconds{certificate="${certificate}"}`);
  const bundle = bundleOf(active, old);

  metrics.trusted(bundle);
  metrics.published(verifyIdentity(material(await newLeaf(intermediate)), SERVICE, bundle, NOW));
  assert.equal(await end('root'), active.notAfter.getTime() / 1000);
  assert.equal(await end('intermediate'), (NOW + HOUR) / 1000);
  metrics.trusted(bundleOf(old, active));
  metrics.published(verifyIdentity(material(await newLeaf(active)), SERVICE, bundle, NOW));

  assert.equal(await end('root'), (NOW + DAY) / 1000);
  assert.equal(await end('intermediate'), undefined);
});

test('the time of the last fresh answer follows from the age of a stale one', async () => {
  const metrics = new Metrics('1.0.0');
  const fresh = () => exported(metrics, 'consul_last_fresh_answer_timestamp_seconds{query="roots"}');
  assert.equal(await fresh(), undefined);
  metrics.consulAnswered('roots', NOW, 0, true);
  assert.equal(await fresh(), NOW / 1000);
  metrics.consulAnswered('roots', NOW + HOUR, 3_500, false);
  assert.equal(await fresh(), NOW / 1000 + 100);
});

test('I1: the end of a leaf is that of the intermediate that ends first', async () => {
  const metrics = new Metrics('1.0.0');
  const root = await newRoot();
  const dying = await root.issueIntermediate({ notAfter: new Date(NOW + HOUR) });
  metrics.published(verifyIdentity(material(await newLeaf(dying)), SERVICE, bundleOf(root), NOW));
  assert.equal(await exported(metrics, 'leaf_not_after_timestamp_seconds'), (NOW + HOUR) / 1000);
});
