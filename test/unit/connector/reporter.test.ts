import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reconciliation } from '../../../src/connector/reconciler.ts';
import { ConsulError, IdentityError, PublishError } from '../../../src/errors.ts';
import { type Identity, verifyIdentity } from '../../../src/identity/identity.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { bundleOf, HOUR, LIFETIME, material, NOW, newLeaf, newRoot, SERVICE } from '../identity/support.ts';
import { newReporter } from './support.ts';

/** Levels of pino. */
const [DEBUG, INFO, WARN] = [20, 30, 40];

const UNKNOWN: Reconciliation = {
  plan: undefined,
  identity: { kind: 'unknown' },
  service: { kind: 'skipped' },
  identityWrites: [],
  serviceWrites: 0,
};

function clockOf(time: { now: number }): Clock {
  return { now: () => time.now, monotonic: () => time.now, sleep: async () => undefined, random: () => 0 };
}

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
    const root = await newRoot();
    const identityOf = async () =>
      verifyIdentity(material(await newLeaf(root)), SERVICE, bundleOf(root), NOW);
    const [first, second] = [await identityOf(), await identityOf()];

    const found: readonly [Identity, number][] = [
      [first, 89],
      [first, 91],
      [first, 92],
      [second, 93],
    ];
    for (const [identity, hours] of found) {
      time.now = NOW + hours * HOUR;
      reporter.reconciled(published(identity));
    }

    const notAfter = new Date(NOW + LIFETIME).toISOString();
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      Array(2).fill('the published leaf is about to expire'),
    );
    assert.equal(lines[0]?.['notAfter'], notAfter);
    assert.equal(lines[0]?.['secret'], 'gateways/edge-consul-connect');
    const [event] = eventLog.latest('Warning', 1);
    assert.equal(event?.reason, 'Expiring');
    assert.match(event?.message ?? '', new RegExp(notAfter));
  });

  test('makes the daemon unready where it does not work, and ready again where it does', async () => {
    const { reporter, health } = newReporter(clockOf({ now: NOW }));
    const root = await newRoot();
    const identity = verifyIdentity(material(await newLeaf(root)), SERVICE, bundleOf(root), NOW);

    reporter.reconciled({ ...published(identity), service: { kind: 'published' } });
    assert.equal(health.readiness().ok, true);

    reporter.reconciled({ ...UNKNOWN, identity: { kind: 'unpublished', reason: 'the leaf expired' } });
    assert.deepEqual(health.readiness(), {
      ok: false,
      text: 'the leaf expired',
      reasons: ['unpublished'],
    });
  });

  test('and could not be written has the reason, until it can', () => {
    const { reporter, health } = newReporter();
    const error = new PublishError('KUBERNETES_FORBIDDEN', 'patch secrets a/b is forbidden');

    reporter.reconciled({ ...UNKNOWN, identity: { kind: 'failed', error } });
    assert.equal(health.snapshot().problems.get('identity')?.code, 'KUBERNETES_FORBIDDEN');

    reporter.reconciled(UNKNOWN);
    assert.equal(health.snapshot().problems.get('identity'), undefined);
  });
});

test('a rejection is reported once, and again when something else or nothing was wrong in between', () => {
  const { reporter, lines, eventLog } = newReporter();
  const expired = new IdentityError('EXPIRED', 'the leaf expired');
  const rootless = new IdentityError('NO_ROOT', 'no root can be used');

  for (const error of [expired, expired, rootless, expired, undefined, undefined, expired])
    reporter.reconciled(rejected(error));

  assert.deepEqual(
    lines.map(({ code }) => code),
    ['EXPIRED', 'NO_ROOT', 'EXPIRED', 'EXPIRED'],
  );
  assert.deepEqual(
    eventLog.latest('Warning', 9).map(({ reason, code }) => [reason, code]),
    ['EXPIRED', 'EXPIRED', 'NO_ROOT', 'EXPIRED'].map((code) => ['Rejected', code]),
  );
});

test('a missing right to write Events is logged once, however many Events it is missing for', () => {
  const { reporter, lines } = newReporter();
  const forbidden = new PublishError('KUBERNETES_FORBIDDEN', 'create events a/b is forbidden', {
    remedy: 'add',
  });

  reporter.eventFailed(forbidden);
  reporter.eventFailed(forbidden);
  reporter.eventFailed(new PublishError('KUBERNETES_FORBIDDEN', 'patch', { remedy: 'add another' }));

  assert.equal(lines.length, 2);
});

describe('Queries', () => {
  const fresh = { freshness: 'fresh', ageSeconds: 0 } as const;
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

  test('a cached leaf is no problem; right after a failure it does not end that one', async () => {
    const { reporter, lines, status } = newQueryReporter('leaf');

    reporter.queryAnswered('leaf', cached(9), false);
    assert.deepEqual(await status(), [undefined, true]);
    reporter.queryFailed('leaf', new ConsulError('CONSUL_NO_SERVERS', 'none', { remedy: 'see' }), 1, 10);
    reporter.queryAnswered('leaf', cached(10), true);
    assert.deepEqual(await status(), ['CONSUL_NO_SERVERS', false]);
    reporter.queryAnswered('leaf', cached(11), false);
    assert.deepEqual(await status(), [undefined, true]);

    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['Consul query failed, retrying', 'Consul answers again'],
    );
  });

  test('that fail for long are told when that begins, changes and ends; each attempt is a line of debugging', () => {
    const time = { now: 0 };
    const { reporter, lines } = newReporter(clockOf(time), 'debug');
    const refused = new ConsulError('CONSUL_UNREACHABLE', 'refused', { remedy: 'start it' });
    const denied = new ConsulError('CONSUL_PERMISSION_DENIED', 'denied', { remedy: 'attach a policy' });

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

  test('C8: a remedy is told once an outage, however many attempts and whichever query fails', () => {
    const { reporter, lines } = newQueryReporter('roots');
    const refused = new ConsulError('CONSUL_UNREACHABLE', 'refused', { remedy: 'start it' });
    const denied = new ConsulError('CONSUL_PERMISSION_DENIED', 'denied', { remedy: 'attach a policy' });

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
