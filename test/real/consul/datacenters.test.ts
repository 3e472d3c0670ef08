import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificates } from '../../e2e/support/bed.ts';
import { type RealConsul, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { verify } from '../openssl.ts';
import {
  assertRotates,
  contents,
  plain,
  read,
  recovered,
  SETTLED_MS,
  startInto,
  startReady,
  useTwoConsuls,
} from './support.ts';

const both = useTwoConsuls({ datacenter: { name: 'dc1' } }, (primary) => ({
  datacenter: { name: 'dc2', primary },
}));

test('the leaf of a secondary datacenter is published with the intermediate below the root of the primary', async (t) => {
  const [primary, secondary] = both();
  const { folder } = await startReady(t, plain(secondary));

  const [tlsCrt, caCrt] = [read(folder, 'tls.crt'), read(folder, 'ca.crt')];
  assert.equal(uriOf(tlsCrt), await uriIn('dc2', primary));
  assert.equal(certificates(tlsCrt).length, 2, 'the leaf and one intermediate');
  await verify(tlsCrt, caCrt);
  const { Roots } = await primary.roots();
  assert.deepEqual(
    certificates(caCrt).map(String),
    Roots.map(({ RootCert }) => String(new X509Certificate(RootCert))),
  );
});

test('another CONSUL_DATACENTER is another identity, which is published at once; a restart then writes nothing', async (t) => {
  const [primary] = both();
  // It has its own cache: a newer Consul (seen with 1.16) ignores the datacenter for a leaf that it has in its cache.
  const agent = await startRealConsul({ clientOf: primary });
  t.after(() => agent.stop());
  const { daemon, folder } = await startReady(t, { ...plain(primary), CONSUL_DATACENTER: 'dc1' });
  await daemon.stop();
  const restart = () => startInto(t, folder, { ...plain(agent), CONSUL_DATACENTER: 'dc2' });
  assert.equal(uriOf(read(folder, 'tls.crt')), await uriIn('dc1', primary));

  const moved = restart();
  const { reason } = await moved.line('published the identity');
  assert.match(String(reason), /^wrong-identity: .*\/dc\/dc1\/.*datacenter dc2 was requested$/);
  await moved.stop();
  assert.equal(uriOf(read(folder, 'tls.crt')), await uriIn('dc2', primary));

  const published = contents(folder);
  await recovered(restart());
  await sleep(SETTLED_MS);
  assert.deepEqual(contents(folder), published);
});

test('a rotation of the primary reaches the gateway of a secondary: first both roots, then the leaf below the new one', async (t) => {
  const [primary, secondary] = both();
  await assertRotates(t, plain(secondary), primary);
});

async function uriIn(datacenter: string, consul: RealConsul): Promise<string> {
  const { TrustDomain } = await consul.roots();
  return `URI:spiffe://${TrustDomain}/ns/default/dc/${datacenter}/svc/ambassador`;
}

function uriOf(pem: string): string | undefined {
  return new X509Certificate(pem).subjectAltName;
}
