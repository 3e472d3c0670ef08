import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { withIndex } from '../fixtures/consul/answer.ts';
import { leaf, roots } from './support/answers.ts';
import { certificates, makeBed } from './support/bed.ts';
import { cpuMs } from './support/proc.ts';
import { assertBounded, assertSame, publishedPath } from './support/published.ts';

const WINDOW_MS = 5_000;
/** A hot loop takes all of one processor; four small requests a second take some hundredths. */
const NEAR_IDLE = 0.25;
const LONG_AGO = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };

test('6, 9, 10, I5: CRLF, surrounding text, empty DNs, a private key and a chain in disorder: one clean path in normal PEM is published', async (t) => {
  const bed = await makeBed(t);
  const { authority, id } = bed.consul.activeRoot;
  const upper = await authority.issueIntermediate({ emptyDn: true });
  const lower = await upper.issueIntermediate({ emptyDn: true });
  const issued = await lower.issueLeaf({ service: 'ambassador', emptyDn: true });
  const previous = await createRoot({ trustDomain: bed.consul.trustDomain });
  const expired = previous.crossSign(authority, LONG_AGO);
  const spoil = (pem: string): string => `issued by Vault\n${pem}`.trimEnd().replaceAll('\n', '\r\n');
  const disorder = [upper, expired, issued, upper].map(({ certPem }) => certPem).join('');
  bed.consul.script('leaf', leaf(issued, spoil(disorder + issued.keyPem)));
  bed.consul.script(
    'roots',
    roots((body) => ({
      ...body,
      Roots: body.Roots.map((root) => ({
        ...root,
        RootCert: spoil(issued.keyPem + upper.certPem.trimEnd() + root.RootCert),
        IntermediateCerts: [lower.certPem],
      })),
    })),
  );

  const once = bed.start({}, ['once']);

  assert.equal((await once.exited).code, 0, once.stdout);
  assertSame(publishedPath(bed), issued.certPem, lower.certPem, upper.certPem);
  assertSame(certificates(bed.entry('ca.crt')), authority.certPem);
  const warned = once.logs.filter(
    ({ msg }) => msg === 'removed private keys found among the certificates of Consul',
  );
  assert.deepEqual(warned.map(({ where }) => String(where)).sort(), [
    'CertPEM of the leaf',
    `RootCert of root ${id}`,
  ]);
});

test('13: answers that always return at once: five requests and then one a second for each query, CPU near idle', async (t) => {
  const bed = await makeBed(t);
  let index = 100;
  bed.consul.script('any', async (_request, truth) => {
    index += 1;
    return withIndex(await truth.now(), index);
  });
  const startedAt = performance.now();
  const daemon = await bed.startReady();
  const [cpuBefore, from] = [cpuMs(daemon.pid), performance.now()];

  await sleep(WINDOW_MS);

  const [cpu, windowMs] = [cpuMs(daemon.pid) - cpuBefore, performance.now() - from];
  for (const target of ['roots', 'leaf']) {
    const { length } = bed.consul.requests.filter((request) => request.target === target);
    assert.ok(length > 5, `${length} requests for the ${target}: they continue`);
    assertBounded(length, performance.now() - startedAt);
  }
  assert.ok(cpu < NEAR_IDLE * windowMs, `${cpu} ms of processor time in ${windowMs} ms`);
  assert.equal(bed.cluster.writes('Secret'), 1);
});
