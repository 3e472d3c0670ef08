import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificates } from '../../e2e/support/bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { type RealConsul, startRealConsul } from '../../fixtures/servers/real-consul.ts';
import { verify } from '../openssl.ts';
import { contents, folderFor, plain, startInto, useTwoConsuls } from './support.ts';

/** The primary must have heard of the secondary, and the backoff after a first refusal ended. */
const ANSWERED_WITHIN_MS = 20_000;
/** Long enough for a write that should not happen to happen. */
const SETTLED_MS = 3_000;
/** Each of the two datacenters puts off its part by up to 30 s. */
const ROTATED_WITHIN_MS = 90_000;

const both = useTwoConsuls({ datacenter: { name: 'dc1' } }, (primary) => ({
  datacenter: { name: 'dc2', primary },
}));

test('the leaf of a secondary datacenter is published with the intermediate below the root of the primary', async (t) => {
  const [primary, secondary] = both();
  const folder = folderFor(t);
  await startInto(t, folder, plain(secondary)).ready();

  const [tlsCrt, caCrt] = [read(folder, 'tls.crt'), read(folder, 'ca.crt')];
  assert.equal(uriOf(tlsCrt), await uriIn('dc2', primary));
  assert.equal(tlsCrt.match(/BEGIN CERTIFICATE/g)?.length, 2, 'the leaf and one intermediate');
  assert.equal(await verify(tlsCrt, caCrt), 'tls.crt: OK');
  const { Roots } = await primary.roots();
  assert.deepEqual(
    fingerprintsOf(caCrt),
    Roots.flatMap(({ RootCert }) => fingerprintsOf(RootCert)),
  );
});

test('another CONSUL_DATACENTER is another identity, and published at once; a restart then writes nothing', async (t) => {
  const [primary] = both();
  // With a cache of its own: a newer Consul (seen with 1.16) ignores the datacenter for a leaf that it has in its cache.
  const agent = await startRealConsul({ clientOf: primary });
  t.after(() => agent.stop());
  const folder = folderFor(t);
  const start = (datacenter: string, consul = agent) =>
    startInto(t, folder, { ...plain(consul), CONSUL_DATACENTER: datacenter });
  const first = start('dc1', primary);
  await first.ready();
  await first.stop();
  assert.equal(uriOf(read(folder, 'tls.crt')), await uriIn('dc1', primary));

  const moved = start('dc2');
  const { reason } = await moved.line(({ msg }) => msg === 'published the identity', ANSWERED_WITHIN_MS);
  assert.match(String(reason), /^wrong-identity: .*\/dc\/dc1\/.*, asked for was datacenter dc2$/);
  await moved.stop();
  assert.equal(uriOf(read(folder, 'tls.crt')), await uriIn('dc2', primary));

  const published = contents(folder);
  const again = start('dc2');
  await eventually('both questions answered', async () => (await again.get('/readyz')).text.trim() === 'ok');
  await sleep(SETTLED_MS);
  assert.deepEqual(contents(folder), published);
});

test('a rotation of the primary reaches the gateway of a secondary: first both roots, then the leaf below the new one', async (t) => {
  const [primary, secondary] = both();
  const folder = folderFor(t);
  const daemon = startInto(t, folder, plain(secondary));
  await daemon.ready();
  const before = read(folder, 'tls.crt');

  await primary.rotateRoot();

  await eventually(
    'both roots',
    () => fingerprintsOf(read(folder, 'ca.crt')).length === 2,
    ROTATED_WITHIN_MS,
  );
  assert.equal(read(folder, 'tls.crt'), before);
  await eventually('the leaf', () => read(folder, 'tls.crt') !== before, ROTATED_WITHIN_MS);
  const [active] = certificates(read(folder, 'ca.crt'));
  assert.equal(await verify(read(folder, 'tls.crt'), String(active)), 'tls.crt: OK');
  assert.equal(await daemon.metric('writes_total', 'object="identity"'), 3);
});

async function uriIn(datacenter: string, consul: RealConsul): Promise<string> {
  const { TrustDomain } = await consul.roots();
  return `URI:spiffe://${TrustDomain}/ns/default/dc/${datacenter}/svc/ambassador`;
}

function read(folder: string, name: string): string {
  return contents(folder)[name]?.text ?? '';
}

function uriOf(pem: string): string | undefined {
  return new X509Certificate(pem).subjectAltName;
}

function fingerprintsOf(pem: string): string[] {
  return certificates(pem).map(({ fingerprint256 }) => fingerprint256);
}
