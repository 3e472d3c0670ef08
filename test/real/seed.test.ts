import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { verify } from './openssl.ts';
import { CONFIG, SECRET, SERVICE, text, useWorld } from './world.ts';

const FACTS = [
  'spiffe-id',
  'serial-number',
  'not-before',
  'not-after',
  'issuer',
  'trust-domain',
  'write-reason',
];
const TWO_SECONDS = 2_000;

const world = useWorld();

test('with nothing set but the addresses the Secret and the Service of the seed exist within two seconds, and kubectl describes the Secret', async (t) => {
  const daemon = await world.startDaemon(t);
  const secret = await eventually(
    'Secret and Service',
    async () => {
      const [secret, service] = [await world.show('secret', SECRET), await world.show('service', SERVICE)];
      return service && secret;
    },
    TWO_SECONDS,
  );
  await daemon.ready(0);

  assert.equal(secret.type, 'kubernetes.io/tls');
  assert.equal(
    await world.annotation('service', SERVICE, CONFIG),
    '---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ambassador-consul-connect\n',
  );
  const certificate = text(secret, 'tls.crt');
  await verify(certificate, text(secret, 'ca.crt'));
  assert.ok(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(text(secret, 'tls.key'))));
  const described = await world.kubectl(['describe', 'secret', SECRET]);
  for (const fact of FACTS) assert.match(described, new RegExp(`${SERVICE}/${fact}: \\S`), fact);
});
