import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriteReason } from '../../../src/identity/policy/decision.ts';
import { FIELD_MANAGER } from '../../../src/publish/annotations.ts';
import { decodeObject } from '../../../src/publish/kubernetes/api/object.ts';
import { secretUrgency } from '../../../src/publish/kubernetes/urgency.ts';

function secretOf(manager: string, ...keys: readonly string[]) {
  const fields = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  const managedFields = [{ manager, fieldsV1: { 'f:data': fields } }];
  return decodeObject({ metadata: { name: 'identity', resourceVersion: '1', managedFields } });
}

const ours = secretOf(FIELD_MANAGER, 'tls.crt', 'tls.key');

for (const [what, current, reason, urgency] of [
  ['no Secret', undefined, 'missing', 'urgent'],
  [
    'an invalid identity of another writer',
    secretOf('kubectl-edit', 'tls.crt', 'tls.key'),
    'invalid',
    'urgent',
  ],
  [
    'an invalid identity of which ours is the key alone',
    secretOf(FIELD_MANAGER, 'tls.key'),
    'invalid',
    'urgent',
  ],
  ['an identity of another connector that is invalid to us', ours, 'invalid', 'ordinary'],
  [
    'an identity of another writer that works',
    secretOf('kubectl-edit', 'tls.crt'),
    'renewal-due',
    'ordinary',
  ],
] satisfies [string, ReturnType<typeof secretOf> | undefined, WriteReason, string][]) {
  test(`replacing ${what} is ${urgency}`, () => {
    assert.equal(secretUrgency(current, { reason, detail: '' }), urgency);
  });
}
