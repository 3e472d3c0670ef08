import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type EmbeddedConsul, startEmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { type Bed, makeBed, NAMESPACE } from './support/bed.ts';
import { eventually } from './support/eventually.ts';

/** A Secret of one Consul, and another Consul in its place. */
async function replaced(
  t: TestContext,
): Promise<{ bed: Bed; other: EmbeddedConsul; at: Record<string, string> }> {
  const [bed, other] = await Promise.all([makeBed(t), startEmbeddedConsul()]);
  t.after(() => other.close());
  const daemon = await bed.startReady();
  await daemon.stop();
  return { bed, other, at: { _CONSUL_HOST: other.host, _CONSUL_PORT: String(other.port) } };
}

test('S6: the identity of another trust domain is a warning, an Event and a count', async (t) => {
  const { bed, other, at } = await replaced(t);

  const daemon = await bed.startReady(at);

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

test('S6: with _CONSUL_TRUST_DOMAIN it is refused, and what is published stays', async (t) => {
  const { bed, at } = await replaced(t);
  const [published, writes] = [bed.secret(), bed.cluster.writes()];
  const env = { ...at, _CONSUL_TRUST_DOMAIN: bed.consul.trustDomain.toUpperCase() };

  const daemon = bed.start(env);
  const checking = bed.start(env, ['check']);
  await checking.exited;

  const line = await daemon.line(({ code }) => code === 'WRONG_TRUST_DOMAIN');
  assert.match(String(line['error']), /and _CONSUL_TRUST_DOMAIN is /);
  assert.match(String(line['remedy']), /set _CONSUL_TRUST_DOMAIN to its trust domain/);
  assert.match(checking.stdout, /^FAIL .*_CONSUL_TRUST_DOMAIN is /m);
  assert.deepEqual(bed.secret(), published);
  assert.equal(bed.cluster.writes(), writes);
});
