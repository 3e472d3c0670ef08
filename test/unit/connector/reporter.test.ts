import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { Report } from '../../../src/connector/reporter.ts';
import { IdentityError } from '../../../src/errors.ts';
import { verifyIdentity } from '../../../src/identity/identity.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { EventLog } from '../../../src/status/event-log.ts';
import { Metrics } from '../../../src/status/metrics.ts';
import { bundleOf, HOUR, LIFETIME, material, NOW, newLeaf, newRoot, SERVICE } from '../identity/support.ts';

interface Line {
  readonly msg: string;
  readonly [key: string]: unknown;
}

function report() {
  const lines: Line[] = [];
  const eventLog = new EventLog();
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const target = { secret: 'gateways/edge-consul-connect' };
  const metrics = new Metrics('test');
  return { lines, eventLog, report: new Report({ clock: systemClock, logger, metrics, eventLog, target }) };
}

describe('A report', () => {
  test('says once that a leaf is about to expire, when a tenth of its lifetime is left, and again of the next', async () => {
    const { lines, eventLog, report: told } = report();
    const root = await newRoot();
    const identityOf = async () =>
      verifyIdentity(material(await newLeaf(root)), SERVICE, bundleOf(root), NOW);
    const [first, second] = [await identityOf(), await identityOf()];

    told.expiring(first, NOW + 89 * HOUR);
    assert.deepEqual(lines, []);
    told.expiring(first, NOW + 91 * HOUR);
    told.expiring(first, NOW + 92 * HOUR);
    told.expiring(second, NOW + 93 * HOUR);

    const [line] = lines;
    const notAfter = new Date(NOW + LIFETIME).toISOString();
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      Array(2).fill('the published leaf is about to expire'),
    );
    assert.equal(line?.['notAfter'], notAfter);
    assert.equal(line?.['secret'], 'gateways/edge-consul-connect');
    assert.match(eventLog.latest('expiring')[0]?.text ?? '', new RegExp(notAfter));
  });

  test('says a refusal once, and again when something else or nothing was wrong in between', () => {
    const { lines, eventLog, report: told } = report();
    const expired = new IdentityError('EXPIRED', 'the leaf expired');
    const rootless = new IdentityError('NO_ROOT', 'no root can be used');

    for (const error of [expired, expired, rootless, expired, undefined, undefined, expired])
      told.refused(error);

    assert.deepEqual(
      lines.map(({ code }) => code),
      ['EXPIRED', 'NO_ROOT', 'EXPIRED', 'EXPIRED'],
    );
    assert.deepEqual(
      eventLog.latest('rejected').map(({ code, remedy }) => [code, typeof remedy]),
      ['EXPIRED', 'EXPIRED', 'NO_ROOT', 'EXPIRED'].map((code) => [code, 'string']),
    );
  });
});
