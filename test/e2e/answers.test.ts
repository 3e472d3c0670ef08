import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRoot } from '../fixtures/certificates/factory.ts';
import { withIndex } from '../fixtures/consul/answer.ts';
import { eachRoot, issue, leaf, roots } from './support/answers.ts';
import { certificates, makeBed } from './support/bed.ts';
import { assertBounded, type Fault, useHolds } from './support/holds.ts';
import { cpuMs } from './support/proc.ts';
import { assertSame, publishedPath } from './support/published.ts';

const WINDOW_MS = 5_000;
/** A hot loop takes all of one processor; four small requests a second take some hundredths. */
const NEAR_IDLE = 0.25;
const LONG_AGO = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };

/** One of each kind; `unit/consul/` and `unit/recorded/` have all of them. */
const FAULTS: Readonly<Record<string, Fault>> = {
  '4: no roots': {
    target: 'roots',
    script: () => roots((body) => ({ ...body, Roots: [] })),
    code: 'CONSUL_CA_NOT_READY',
    error: /lists no CA root/,
    remedy: /log of the Consul leader/,
  },
  '8: a leaf of a root that is not listed': {
    target: 'leaf',
    script: async (bed) => {
      const stranger = await createRoot({ trustDomain: bed.consul.trustDomain });
      const issued = await stranger.issueLeaf({ service: 'ambassador' });
      return leaf(issued, issued.chainPem);
    },
    code: 'NO_CHAIN',
    error: /does not chain to any/,
    remedy: /AuthorityKeyId/,
  },
  '12: the key of another certificate': {
    target: 'leaf',
    script: async (bed) => leaf(await issue(bed), (await issue(bed)).chainPem),
    code: 'KEY_MISMATCH',
    error: /key matches none of the certificates/,
    remedy: /restart the Consul agent/,
  },
  '17: truncated JSON': {
    target: 'leaf',
    script: () => async (_request, truth) => {
      const answer = await truth.blocked();
      return { ...answer, body: answer.body.slice(0, answer.body.length / 2) };
    },
    code: 'CONSUL_INVALID_RESPONSE',
    error: /not complete JSON/,
    remedy: /lead to Consul itself/,
  },
};

describe('an answer that cannot be used leaves what is published as it is:', () => {
  const holds = useHolds();

  for (const [what, fault] of Object.entries(FAULTS)) test(`${what}: holds`, () => holds(fault));
});

describe('an answer in an unusual form is published in the usual one:', { concurrency: 2 }, () => {
  test('6: CRLF, text before, no final newline, an intermediate before the root: normal PEM, root and chain apart', async (t) => {
    const bed = await makeBed(t);
    const spoil = (pem: string): string => `issued by Vault\n${pem}`.trimEnd().replaceAll('\n', '\r\n');
    const middle = await bed.consul.activeRoot.authority.issueIntermediate();
    const issued = await middle.issueLeaf({ service: 'ambassador' });
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, RootCert: spoil(middle.certPem.trimEnd() + root.RootCert) })),
    );
    bed.consul.script('leaf', leaf(issued, spoil(issued.certPem)));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, middle.certPem);
    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
  });

  test('9, 10: a chain with empty DNs, out of order, duplicated, expired in part, with a gap that IntermediateCerts fills: one clean path', async (t) => {
    const bed = await makeBed(t);
    const { authority } = bed.consul.activeRoot;
    const upper = await authority.issueIntermediate({ emptyDn: true });
    const lower = await upper.issueIntermediate({ emptyDn: true });
    const issued = await lower.issueLeaf({ service: 'ambassador', emptyDn: true });
    const previous = await createRoot({ trustDomain: bed.consul.trustDomain });
    const expired = previous.crossSign(authority, LONG_AGO);
    const disorder = [upper, expired, issued, upper].map(({ certPem }) => certPem).join('');
    bed.consul.script('leaf', leaf(issued, disorder));
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, IntermediateCerts: [lower.certPem] })),
    );

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, lower.certPem, upper.certPem);
  });

  test('I5: a private key among the certificates of leaf or root is removed, with a warning that names where', async (t) => {
    const bed = await makeBed(t);
    const issued = await issue(bed);
    bed.consul.script('leaf', leaf(issued, issued.chainPem + issued.keyPem));
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, RootCert: issued.keyPem + root.RootCert })),
    );

    const once = bed.start({}, ['once']);

    assert.equal((await once.exited).code, 0);
    publishedPath(bed);
    for (const key of ['tls.crt', 'ca.crt']) assert.doesNotMatch(bed.entry(key), /PRIVATE KEY/);
    const warned = once.logs.filter(
      ({ msg }) => msg === 'removed private keys found among the certificates of Consul',
    );
    assert.deepEqual(warned.map(({ where }) => String(where)).sort(), [
      'CertPEM of the leaf',
      `RootCert of root ${bed.consul.activeRoot.id}`,
    ]);
  });
});

test('13: answers that return at once for ever: five requests and then one a second for each query, CPU near idle', async (t) => {
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
    assert.ok(length > 5, `${length} requests for the ${target}: they go on`);
    assertBounded(length, performance.now() - startedAt);
  }
  assert.ok(cpu < NEAR_IDLE * windowMs, `${cpu} ms of processor time in ${windowMs} ms`);
  assert.equal(bed.cluster.writes('Secret'), 1);
});
