import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { issue, leaf } from './support/answers.ts';
import { assertWorks, type Bed, certificates, makeBed, NAMESPACE, SECRET } from './support/bed.ts';
import { assertStops } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { check } from './support/report.ts';

const ANNOTATION = 'getambassador.io/config';
const CA_SECRET = `${SECRET}-ca`;
const VERIFYING = { _AMBASSADOR_VERIFY_UPSTREAM: 'true' };
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 1_500;

const tlsContext = (bed: Bed): string => bed.service()?.metadata.annotations?.[ANNOTATION] ?? '';

describe('what is published:', { concurrency: 3 }, () => {
  test('with nothing set but addresses, the Secret and the Service of the seed', async (t) => {
    const bed = await makeBed(t);

    await bed.startReady();

    assert.equal(bed.secret()?.type, 'kubernetes.io/tls');
    const published = assertWorks(bed.entry('tls.crt'), bed.entry('ca.crt'));
    assert.ok(published.checkPrivateKey(createPrivateKey(bed.entry('tls.key'))));
    assert.match(published.subjectAltName ?? '', /\/svc\/ambassador$/);
    assert.equal(
      tlsContext(bed),
      [
        '---',
        'apiVersion: getambassador.io/v2',
        'kind: TLSContext',
        'name: ambassador-consul',
        'hosts: []',
        `secret: ${SECRET}`,
        '',
      ].join('\n'),
    );
  });

  test('the TLSContext has the namespace of a Secret that is in another one', async (t) => {
    const bed = await makeBed(t, { cluster: { namespaces: [NAMESPACE, 'gateways'] } });

    await bed.startReady({
      _AMBASSADOR_TLS_SECRET_NAMESPACE: 'gateways',
      _AMBASSADOR_TLS_SECRET_NAME: 'mesh',
    });

    assertWorks(bed.entry('tls.crt', 'mesh', 'gateways'), bed.entry('ca.crt', 'mesh', 'gateways'));
    assert.match(tlsContext(bed), /^secret: mesh\.gateways\nsecret_namespacing: true$/m);
  });

  test('E1: an annotation of v1, which ends Emissary, is warned of by run and check, and replaced by the next start', async (t) => {
    const bed = await makeBed(t);
    const legacy = { _AMBASSADOR_API_VERSION: 'ambassador/v1' };
    const first = await bed.startReady(legacy);
    await first.line('the TLSContext apiVersion crashes Emissary-ingress');
    await first.stop();
    const report = await check(bed, legacy);

    await bed.startReady();

    const { status, detail, remedy } = report.row('configuration') ?? assert.fail();
    assert.equal(status, 'warn');
    assert.match(detail, /ambassador\/v1 crashes Emissary-ingress 2\.5\.1 and 3\.4 to 4\.1/);
    assert.match(remedy ?? '', /^unset _AMBASSADOR_API_VERSION/);
    assert.match(tlsContext(bed), /^apiVersion: getambassador\.io\/v2$/m);
  });

  test('8: a rotation of the root is two writes: the bundle first, the leaf when it comes', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const [oldLeaf, oldKey] = [bed.entry('tls.crt'), bed.entry('tls.key')];
    const [oldRoot] = certificates(bed.entry('ca.crt'));
    await bed.queriesBlock();

    await bed.consul.rotateRoot({ leafDelayMs: 4_000 });

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    assert.deepEqual([bed.entry('tls.crt'), bed.entry('tls.key')], [oldLeaf, oldKey]);
    await eventually('the new leaf', () => bed.entry('tls.crt') !== oldLeaf);
    await sleep(SETTLED_MS);
    const [newRoot, second] = certificates(bed.entry('ca.crt'));
    assert.equal(second?.fingerprint256, oldRoot?.fingerprint256);
    assertWorks(bed.entry('tls.crt'), String(newRoot));
    assert.equal(bed.cluster.writes('Secret'), 1 + 2);
    assert.equal(bed.cluster.writes('Service'), 1);
    assert.equal(await daemon.metric('writes_total', 'object="identity"'), 3);
    assert.equal(await daemon.metric('writes_total', 'object="identity"', 'reason="roots-changed"'), 1);
    assert.equal(await daemon.metric('writes_total', 'object="identity"', 'reason="inactive-root"'), 1);
  });

  test('25: two daemons that start at once write the Secret once, and once for each change', async (t) => {
    const bed = await makeBed(t);

    const daemons = [bed.start(), bed.start()];
    await Promise.all(daemons.map((daemon) => daemon.ready()));

    await sleep(SETTLED_MS);
    assert.deepEqual([bed.cluster.writes('Secret'), bed.cluster.writes('Service')], [1, 1]);
    await bed.consul.rotateRoot({ leafDelayMs: 500 });
    await eventually('the new leaf', () => bed.cluster.writes('Secret') === 3);
    await sleep(SETTLED_MS);
    assert.equal(bed.cluster.writes('Secret'), 3);
  });
});

describe('upstream verification', { concurrency: 2 }, () => {
  test('restores the Secret of the roots when it is edited or deleted, and leaves the other alone', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady(VERIFYING);
    await eventually('both Secrets are watched', () => bed.cluster.watches.count('secrets') === 2);
    const [roots, before] = [bed.entry('tls.crt', CA_SECRET), bed.secret()?.metadata.resourceVersion];

    bed.cluster.edit('Secret', NAMESPACE, CA_SECRET, (secret) => {
      secret.data = { 'tls.crt': 'eA==' };
    });
    await eventually('it is restored', () => bed.entry('tls.crt', CA_SECRET) === roots);
    bed.cluster.remove('Secret', NAMESPACE, CA_SECRET);
    await eventually('it is created again', () => bed.entry('tls.crt', CA_SECRET) === roots);

    assert.equal(bed.secret()?.metadata.resourceVersion, before);
  });

  test('switched on while Consul is away, names no Secret to the gateway that is not there', async (t) => {
    const bed = await makeBed(t);
    await (await bed.startReady()).stop();
    await bed.consul.stop();
    const daemon = bed.start(VERIFYING);
    await daemon.line('Consul query failed, retrying');
    await sleep(SETTLED_MS);
    assert.equal(parse(tlsContext(bed)).ca_secret, undefined);

    await bed.consul.start();

    await eventually('it is named', () => parse(tlsContext(bed)).ca_secret === CA_SECRET, 75_000);
    assert.ok(bed.secret(CA_SECRET));
  });
});

describe('Events on the Secret', { concurrency: 2 }, () => {
  test('report a rejected answer with its code and remedy, and count it when it comes again', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady({ _CONSUL_WAIT: '1s' });
    const other = await issue(bed, { service: 'another' });
    const queries = () => bed.consul.requests.filter(({ target }) => target === 'leaf').length;
    const events = () =>
      bed.cluster
        .list('Event', NAMESPACE)
        .map(({ type, reason, message, count }) => `${type} ${reason} ${message} x${count}`);

    for (const count of [1, 2]) {
      bed.consul.script('leaf', leaf(other, other.certPem));
      const line = new RegExp(`^Warning Rejected WRONG_SERVICE: .*; remedy: .*_CONSUL_SERVICE.* x${count}$`);
      await eventually(
        () => `an Event ${line} among\n${events().join('\n')}`,
        () => events().some((event) => line.test(event)),
      );
      bed.consul.clearScripts();
      const before = queries();
      await eventually('the answer of now has come', () => queries() >= before + 2);
    }

    assert.equal(events().length, 2, events().join('\n'));
  });

  test('delay neither a publication nor a stop where the API server does not answer about them', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.script({ resource: 'events' }, 'hang');
    const daemon = await bed.startReady();
    const before = bed.entry('tls.crt');

    await bed.consul.rotateRoot({ leafDelayMs: 0 });

    await eventually('the new leaf', () => bed.entry('tls.crt') !== before);
    await assertStops(daemon);
  });
});
