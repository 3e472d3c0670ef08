import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { makeBed, NAMESPACE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

test('S6: the identity of another trust domain is rejected with _CONSUL_TRUST_DOMAIN; without it, it is a warning, an Event and a count', async (t) => {
  const [bed, other] = await Promise.all([makeBed(t), startEmbeddedConsul()]);
  t.after(() => other.close());
  await (await bed.startReady()).stop();
  const env = { _CONSUL_HOST: other.host, _CONSUL_PORT: String(other.port) };
  const fixed = { ...env, _CONSUL_TRUST_DOMAIN: bed.consul.trustDomain.toUpperCase() };
  const [published, writes] = [bed.secret(), bed.cluster.writes()];

  const rejecting = bed.start(fixed);
  const checking = bed.start(fixed, ['check']);
  await checking.exited;

  const line = await rejecting.line(({ code }) => code === 'WRONG_TRUST_DOMAIN');
  assert.match(String(line['error']), /and _CONSUL_TRUST_DOMAIN is /);
  assert.match(String(line['remedy']), /set _CONSUL_TRUST_DOMAIN to its trust domain/);
  assert.match(checking.stdout, /^FAIL .*_CONSUL_TRUST_DOMAIN is /m);
  await rejecting.stop();
  assert.deepEqual(bed.secret(), published);
  assert.equal(bed.cluster.writes(), writes);

  const daemon = await bed.startReady(env);

  const { level, from, to, remedy } = await daemon.line('the trust domain of the published identity changed');
  assert.deepEqual([level, from, to], ['warn', bed.consul.trustDomain, other.trustDomain]);
  assert.match(String(remedy), /_CONSUL_TRUST_DOMAIN/);
  assert.equal(await daemon.metric('trust_domain_changes_total'), 1);
  await eventually('the Event', () =>
    bed.cluster
      .list('Event', NAMESPACE)
      .some(({ reason, type }) => reason === 'TrustDomainChanged' && type === 'Warning'),
  );
});
