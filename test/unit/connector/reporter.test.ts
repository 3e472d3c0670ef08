import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reconciliation } from '../../../src/connector/reconciler.ts';
import { ConsulError, IdentityError } from '../../../src/errors.ts';
import { type Identity, verifyIdentity } from '../../../src/identity/identity.ts';
import { bundleOf, HOUR, LIFETIME, material, NOW, newLeaf, newRoot, SERVICE } from '../identity/support.ts';
import { clockOf, newReporter } from './support.ts';

/** Levels of pino. */
const [DEBUG, INFO, WARN] = [20, 30, 40];

const UNKNOWN: Reconciliation = {
  plan: undefined,
  identity: { kind: 'unknown' },
  service: { kind: 'skipped' },
  identityWrites: [],
  serviceWrites: 0,
};

const root = await newRoot();
const newIdentity = async () => verifyIdentity(material(await newLeaf(root)), SERVICE, bundleOf(root), NOW);

function published(identity: Identity): Reconciliation {
  return { ...UNKNOWN, identity: { kind: 'published', identity } };
}

function rejected(rootsRejected: IdentityError | undefined): Reconciliation {
  return { ...UNKNOWN, plan: { kind: 'waiting', rootsRejected } };
}

describe('What is published', () => {
  test('is reported once as about to expire, when a tenth of its lifetime is left, and so is the next leaf', async () => {
    const time = { now: NOW };
    const { reporter, lines, eventLog } = newReporter(clockOf(time));
    const [first, second] = [await newIdentity(), await newIdentity()];

    for (const [identity, hours] of [
      [first, 89],
      [first, 91],
      [first, 92],
      [second, 93],
    ] as const) {
      time.now = NOW + hours * HOUR;
      reporter.reconciled(published(identity));
    }

    const notAfter = new Date(NOW + LIFETIME).toISOString();
    assert.deepEqual(
      lines.map(({ msg, secret, notAfter: end }) => [msg, secret, end]),
      Array(2).fill(['the published leaf is about to expire', 'gateways/edge-consul-connect', notAfter]),
    );
    const [event] = eventLog.latest('Warning', 1);
    assert.equal(event?.reason, 'Expiring');
    assert.match(event?.message ?? '', new RegExp(notAfter));
  });

  test('makes the daemon ready if it is valid, and unready otherwise', async () => {
    const { reporter, health } = newReporter(clockOf({ now: NOW }));

    reporter.reconciled({ ...published(await newIdentity()), service: { kind: 'published' } });
    assert.equal(health.readiness().ok, true);

    reporter.reconciled({ ...UNKNOWN, identity: { kind: 'unpublished', reason: 'the leaf expired' } });
    assert.deepEqual(health.readiness(), {
      ok: false,
      text: 'the leaf expired',
      reasons: ['unpublished'],
    });
  });
});

test('a rejection is reported once, and again after another one or none', () => {
  const { reporter, lines, eventLog } = newReporter();
  const expired = new IdentityError('EXPIRED', 'the leaf expired');
  const rootless = new IdentityError('NO_ROOT', 'no root can be used');

  for (const error of [expired, expired, rootless, expired, undefined, undefined, expired])
    reporter.reconciled(rejected(error));

  const codes = lines.map(({ code }) => code);
  assert.deepEqual(codes, ['EXPIRED', 'NO_ROOT', 'EXPIRED', 'EXPIRED']);
  const found = eventLog.latest('Warning', 9).map(({ reason, code }) => [reason, code]);
  assert.deepEqual(
    found,
    ['EXPIRED', 'EXPIRED', 'NO_ROOT', 'EXPIRED'].map((code) => ['Rejected', code]),
  );
});

describe('Queries', () => {
  const fresh = { freshness: 'fresh', ageSeconds: 0 } as const;
  const refused = new ConsulError('CONSUL_UNREACHABLE', 'refused', { remedy: 'start it' });
  const denied = new ConsulError('CONSUL_PERMISSION_DENIED', 'denied', { remedy: 'attach a policy' });
  const stale = (ageSeconds: number) => ({ freshness: 'stale', ageSeconds }) as const;
  const cached = (ageSeconds: number) => ({ freshness: 'cached', ageSeconds }) as const;

  function newQueryReporter(query: 'roots' | 'leaf') {
    const { metrics, health, ...rest } = newReporter();
    const isUp = async (): Promise<boolean> => {
      const text = await metrics.text([]);
      return new RegExp(`^ambassador_consul_connector_consul_up\\{query="${query}"\\} 1$`, 'm').test(text);
    };
    const status = async () => [health.snapshot().problems.get(query)?.code, await isUp()];
    return { ...rest, status };
  }

  test('stale roots are a problem, logged once until an answer is fresh', async () => {
    const { reporter, lines, status } = newQueryReporter('roots');

    reporter.queryAnswered('roots', fresh, false);
    assert.deepEqual(await status(), [undefined, true]);
    for (const age of [2, 4, 6]) {
      reporter.queryAnswered('roots', stale(age), false);
      assert.deepEqual(await status(), ['CONSUL_NO_SERVERS', false]);
    }
    reporter.queryAnswered('roots', fresh, false);
    assert.deepEqual(await status(), [undefined, true]);
    reporter.queryAnswered('roots', stale(2), false);

    assert.deepEqual(
      lines.map(({ msg, code, ageSeconds }) => [msg, code, ageSeconds]),
      Array(2).fill(['the Consul agent returned stale CA roots', 'CONSUL_NO_SERVERS', 2]),
    );
  });

  test('a cached leaf is no problem, but does not end an outage right after a failure', async () => {
    const { reporter, lines, status } = newQueryReporter('leaf');

    reporter.queryAnswered('leaf', cached(9), false);
    assert.deepEqual(await status(), [undefined, true]);
    reporter.queryFailed('leaf', refused, 1, 10);
    reporter.queryAnswered('leaf', cached(10), true);
    assert.deepEqual(await status(), ['CONSUL_UNREACHABLE', false]);
    reporter.queryAnswered('leaf', cached(11), false);
    assert.deepEqual(await status(), [undefined, true]);

    const messages = lines.map(({ msg }) => msg);
    assert.deepEqual(messages, ['Consul query failed, retrying', 'Consul answers again']);
  });

  test('that keep failing are reported when that begins, changes and ends; each attempt is logged at level debug', () => {
    const time = { now: 0 };
    const { reporter, lines } = newReporter(clockOf(time), 'debug');
    for (const error of [refused, refused, denied, denied]) {
      reporter.queryFailed('leaf', error, 1, 10);
      time.now += 30_000;
    }
    reporter.queryAnswered('leaf', fresh, false);
    reporter.queryAnswered('leaf', fresh, false);

    assert.deepEqual(
      lines.map(({ level, code, lastedSeconds }) => [level, code ?? lastedSeconds]),
      [
        [WARN, 'CONSUL_UNREACHABLE'],
        [DEBUG, 'CONSUL_UNREACHABLE'],
        [WARN, 'CONSUL_PERMISSION_DENIED'],
        [DEBUG, 'CONSUL_PERMISSION_DENIED'],
        [INFO, 120],
      ],
    );
  });

  test('C8: a remedy is logged once an outage, however many attempts and whichever query fails', () => {
    const { reporter, lines } = newQueryReporter('roots');
    reporter.queryFailed('roots', refused, 1, 10);
    reporter.queryFailed('leaf', refused, 1, 10);
    reporter.queryFailed('roots', refused, 2, 20);
    reporter.queryFailed('leaf', denied, 2, 20);
    reporter.queryAnswered('roots', fresh, false);
    reporter.queryFailed('leaf', denied, 3, 30);
    reporter.queryAnswered('leaf', fresh, false);
    reporter.queryFailed('roots', refused, 1, 10);

    assert.deepEqual(
      lines.filter(({ level }) => level === WARN).map(({ query, remedy }) => [query, remedy]),
      [
        ['roots', 'start it'],
        ['leaf', undefined],
        ['leaf', 'attach a policy'],
        ['roots', 'start it'],
      ],
    );
  });
});
