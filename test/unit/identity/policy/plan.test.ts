import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdentityError } from '../../../../src/errors.ts';
import { bundleOfListed, type DatedBundle, plan } from '../../../../src/identity/policy/plan.ts';
import { active, oldLeaf, previous, published } from '../rotation.ts';
import { listing, listRoot, material, NOW, SECOND, SERVICE, TRUST_DOMAIN } from '../support.ts';

const intermediates = [previous.crossSign(active)];
const rotated = listing(listRoot(active, { intermediates }), listRoot(previous));

function planAt(at: number, before: DatedBundle | undefined) {
  const planned = plan({
    newest: bundleOfListed(rotated, undefined, at),
    usableRoots: rotated,
    published,
    candidate: material(oldLeaf),
    service: SERVICE,
    verifiesUpstream: true,
    previous: before,
    at,
  });
  assert.ok(planned.kind === 'planned' && planned.decision.kind === 'keep');
  return { planned, bundle: planned.decision.bundle };
}

test('new roots wait from the first plan with them on, and not from the last one', () => {
  const first = planAt(NOW, undefined);
  const second = planAt(NOW + 30 * SECOND, first.planned);
  const last = planAt(NOW + 60 * SECOND, second.planned);

  const until = NOW + 60 * SECOND;
  assert.deepEqual([first.bundle, second.bundle], Array(2).fill({ kind: 'defer', until }));
  assert.equal(last.bundle.kind, 'update');
});

for (const [trustDomain, isUsed] of [
  [undefined, true],
  [TRUST_DOMAIN, true],
  ['other.consul', false],
] as const) {
  test(`S6: where the trust domain must be ${trustDomain ?? 'any'} the roots are ${isUsed ? '' : 'not '}used`, () => {
    const bundle = bundleOfListed(rotated, trustDomain, NOW);

    assert.equal(
      bundle instanceof IdentityError ? bundle.code : undefined,
      isUsed ? undefined : 'WRONG_TRUST_DOMAIN',
    );
  });
}

test('S6: the trust domain of Consul may be in capitals', () => {
  const inCapitals = { ...rotated, trustDomain: TRUST_DOMAIN.toUpperCase() };

  assert.ok(!(bundleOfListed(inCapitals, TRUST_DOMAIN, NOW) instanceof IdentityError));
});
