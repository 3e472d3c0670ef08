import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityFault } from '../../../../src/errors.ts';
import type { Reason } from '../../../../src/identity/policy/violations.ts';
import { decideOn } from '../support.ts';

export type Input = Parameters<typeof decideOn>[0];
type Row = readonly [changes: Partial<Input>, Expected];

/** What is decided. The first three must be undefined unless they are given; the others are compared if they are given. */
export interface Expected {
  readonly writes?: 'leaf' | 'bundle' | 'leaf, bundle';
  readonly violation?: Reason;
  readonly rejected?: IdentityFault;
  /** As it is printed in logs, annotations and Events. */
  readonly cause?: RegExp;
  /** Undefined if nothing valid is published. */
  readonly tlsCrt?: string | undefined;
  readonly tlsKey?: string;
  readonly caCrt?: string;
  readonly upstreamCaCrt?: string;
  readonly deferredUntil?: number;
  readonly requeryRoots?: boolean;
  readonly recheckAt?: number;
}

/** Declares a test for each row: its name, how its input differs from the usual one, and what is decided. */
export function testDecisions(usual: Input, rows: Readonly<Record<string, Row>>): void {
  for (const [name, [changes, { cause, ...expected }]] of Object.entries(rows)) {
    test(name, () => {
      const { content, writesLeaf, writesBundle, reason, ...decided } = decideOn({ ...usual, ...changes });
      const found = {
        tlsCrt: undefined,
        ...content,
        ...decided,
        writes: [writesLeaf ? ['leaf'] : [], writesBundle ? ['bundle'] : []].flat().join(', ') || undefined,
        violation: decided.violation?.reason,
        rejected: decided.rejected?.code,
      };
      const wanted = { writes: undefined, violation: undefined, rejected: undefined, ...expected };
      assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([key]) => key in wanted)), wanted);
      if (cause !== undefined) assert.match(reason ?? '', cause);
    });
  }
}
