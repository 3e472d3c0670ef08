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

test('the wait of new roots starts with the first plan that has them, not with the last', () => {
  const first = planAt(NOW, undefined);
  const second = planAt(NOW + 30 * SECOND, first.planned);
  const last = planAt(NOW + 60 * SECOND, second.planned);

  const until = NOW + 60 * SECOND;
  assert.deepEqual([first.bundle, second.bundle], Array(2).fill({ kind: 'defer', until }));
  assert.equal(last.bundle.kind, 'update');
});

for (const [configured, trustDomain, isUsed] of [
  [undefined, TRUST_DOMAIN, true],
  [TRUST_DOMAIN, TRUST_DOMAIN, true],
  [TRUST_DOMAIN, TRUST_DOMAIN.toUpperCase(), true],
  ['other.consul', TRUST_DOMAIN, false],
] as const) {
  test(`S6: roots of ${trustDomain} are ${isUsed ? '' : 'not '}used if the trust domain must be ${configured ?? 'any'}`, () => {
    const bundle = bundleOfListed({ ...rotated, trustDomain }, configured, NOW);
    const code = bundle instanceof IdentityError ? bundle.code : undefined;
    assert.equal(code, isUsed ? undefined : 'WRONG_TRUST_DOMAIN');
  });
}
