import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IdentityFault } from '../../../../src/errors.ts';
import type { Reason } from '../../../../src/identity/policy/violations.ts';
import { decideOn } from '../support.ts';

export type Input = Parameters<typeof decideOn>[0];

/** What a decision comes to. The first three are undefined unless they are named, the others are compared where they are. */
export interface Expected {
  readonly writes?: 'leaf' | 'bundle' | 'leaf, bundle';
  readonly violation?: Reason;
  readonly rejected?: IdentityFault;
  /** Of the line that logs, annotations and Events have. */
  readonly cause?: RegExp;
  /** Undefined where nothing that works is published. */
  readonly tlsCrt?: string | undefined;
  readonly tlsKey?: string;
  readonly caCrt?: string;
  readonly upstreamCaCrt?: string;
  readonly deferredUntil?: number;
  readonly requeryRoots?: boolean;
  readonly recheckAt?: number;
}

/** Declares a test for each row: its name, what is decided on, and what that comes to. */
export function testDecisions(rows: Readonly<Record<string, readonly [Input, Expected]>>): void {
  for (const [name, [input, { cause, ...expected }]] of Object.entries(rows)) {
    test(name, () => {
      const { content, writesLeaf, writesBundle, reason, ...decided } = decideOn(input);
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
