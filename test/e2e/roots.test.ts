import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRoot } from '../fixtures/certificates/factory.ts';
import type { RootsJson } from '../fixtures/consul/wire.ts';
import { eachRoot, issue, leaf, roots } from './support/answers.ts';
import { certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { SOON, useHolds } from './support/holds.ts';
import { assertPublishes, assertSame, publishedPath } from './support/published.ts';

const WITHIN_MS = 60_000;
const LONG_AGO = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
const REMEDY = /ca\/roots|CA/;

describe('what Consul says of its roots', () => {
  const holds = useHolds();

  for (const [what, change] of [
    ['empty', (body) => ({ ...body, Roots: [] })],
    ['null', (body) => ({ ...body, Roots: null })],
    ['missing', ({ Roots: _left, ...body }) => body],
  ] satisfies [string, (body: RootsJson) => unknown][]) {
    test(`4: Roots ${what}: holds`, () =>
      holds({
        target: 'roots',
        script: () => roots(change),
        code: 'CONSUL_CA_NOT_READY',
        error: /lists no CA root/,
        remedy: /log of the Consul leader/,
      }));
  }

  test('4: body null: holds', () =>
    holds({
      target: 'roots',
      script: () => roots(() => null),
      code: 'CONSUL_INVALID_RESPONSE',
      error: /not a JSON object/,
      remedy: /lead to Consul itself/,
    }));

  for (const [what, isActive] of [
    ['ActiveRootID that no root has, and two roots active', true],
    ['no root active', false],
  ] as const) {
    test(`5: ${what}: holds`, () =>
      holds({
        target: 'roots',
        script: async () => {
          const other = (await createRoot()).certPem;
          return roots((body) => ({
            ...body,
            ActiveRootID: 'none',
            Roots: body.Roots.flatMap((root) => [root, { ...root, ID: 'other', RootCert: other }]).map(
              (root) => ({ ...root, Active: isActive }),
            ),
          }));
        },
        code: 'NO_ROOT',
        error: /none of them can be the active one/,
        remedy: REMEDY,
      }));
  }

  for (const [what, change] of [
    ['one root is flagged', () => ({})],
    ['there is but one root', () => ({ Active: false })],
  ] as const) {
    test(`5: ActiveRootID that no root has is published where ${what}: exactly one root can be the active one`, async (t) => {
      const bed = await makeBed(t);
      bed.consul.script(
        'roots',
        roots((body) => ({
          ...body,
          ActiveRootID: 'none',
          Roots: body.Roots.map((root) => ({ ...root, ...change() })),
        })),
      );

      await bed.startReady();

      assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
    });
  }

  test('7: an expired root beside a good one: dropped', async (t) => {
    const bed = await makeBed(t);
    const expired = await createRoot({ trustDomain: bed.consul.trustDomain, ...LONG_AGO });
    bed.consul.script('roots', roots(beside({ ID: 'old', RootCert: expired.certPem })));

    const daemon = await bed.startReady();

    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
    const { dropped } = await daemon.line('excluded CA roots from the trust bundle');
    assert.match(String(dropped), /^root old expired 2021-01-01/);
  });

  test('7: all expired: holds', () =>
    holds({
      target: 'roots',
      script: async () => {
        const { certPem } = await createRoot(LONG_AGO);
        return eachRoot((root) => ({ ...root, RootCert: certPem }));
      },
      code: 'NO_ROOT',
      error: /expired 2021-01-01/,
      remedy: /rotate the CA root/,
    }));

  test('8: leaf of the previous root after a rotation, both listed: published leaf stays, ca.crt gains the new root at once', async (t) => {
    const bed = await makeBed(t);
    await bed.startReady(SOON);
    const before = [bed.entry('tls.crt'), bed.entry('tls.key')];
    const previous = bed.consul.activeRoot.authority.certPem;

    await bed.consul.rotateRoot({ leafDelayMs: 6_000 });

    await eventually('both roots', () => certificates(bed.entry('ca.crt')).length === 2);
    assert.deepEqual([bed.entry('tls.crt'), bed.entry('tls.key')], before);
    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem, previous);
    await assertPublishes(bed, WITHIN_MS);
  });

  test('8: leaf of a root that is not listed: holds', () =>
    holds({
      target: 'leaf',
      script: async (bed) => {
        const stranger = await createRoot({ trustDomain: bed.consul.trustDomain });
        const issued = await stranger.issueLeaf({ service: 'ambassador' });
        return leaf(issued, issued.chainPem);
      },
      code: 'NO_CHAIN',
      error: /does not chain to any/,
      remedy: /AuthorityKeyId/,
    }));

  test('5: roots that are not active and cannot be read are dropped and logged, the active one is published', async (t) => {
    const bed = await makeBed(t);
    const malformed = [
      null,
      { ID: 'bare', Active: false },
      { RootCert: 'none' },
      { ID: 'old', RootCert: 'none', Active: false },
    ];
    bed.consul.script(
      'roots',
      roots((body) => ({ ...body, Roots: [...malformed, ...body.Roots] })),
    );

    const daemon = await bed.startReady();

    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
    const { dropped } = await daemon.line('excluded CA roots from the trust bundle');
    assert.deepEqual(
      dropped,
      ['without an ID', 'bare', 'without an ID', 'old'].map((name) => `root ${name} holds no PEM block`),
    );
  });
});

describe('6: RootCert in another form than PEM should have', { concurrency: 5 }, () => {
  test('6: RootCert without final newline, with CRLF and with text before: what is published is normal PEM', async (t) => {
    const bed = await makeBed(t);
    const spoil = (pem: string): string => `issued by Vault\n${pem}`.trimEnd().replaceAll('\n', '\r\n');
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, RootCert: spoil(root.RootCert) })),
    );

    await bed.startReady();

    publishedPath(bed);
    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
  });

  test('6: RootCert with several blocks (Vault), the first block an intermediate: the root is the anchor, the intermediate goes into the chain', async (t) => {
    const bed = await makeBed(t);
    const middle = await bed.consul.activeRoot.authority.issueIntermediate();
    const issued = await middle.issueLeaf({ service: 'ambassador' });
    bed.consul.script(
      'roots',
      eachRoot((root) => ({ ...root, RootCert: middle.certPem.trimEnd() + root.RootCert })),
    );
    bed.consul.script('leaf', leaf(issued, issued.certPem));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem, middle.certPem);
    assertSame(certificates(bed.entry('ca.crt')), bed.consul.activeRoot.authority.certPem);
  });

  test('6: a leaf without final newline, with CRLF and with text before: what is published is normal PEM', async (t) => {
    const bed = await makeBed(t);
    const issued = await issue(bed);
    const spoilt = `subject=\n${issued.chainPem}`.trimEnd().replaceAll('\n', '\r\n');
    bed.consul.script('leaf', leaf(issued, spoilt));

    await bed.startReady();

    assertSame(publishedPath(bed), issued.certPem);
  });
});

/** Consul's roots and one more that is not active. */
function beside(other: object): (body: RootsJson) => unknown {
  return (body) => ({
    ...body,
    Roots: [...body.Roots, ...body.Roots.map((root) => ({ ...root, Active: false, ...other }))],
  });
}
