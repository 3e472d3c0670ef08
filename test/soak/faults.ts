import type { Clock } from '../../src/lib/clock.ts';

/** Injects a fault, which ends by itself or with the next `heal`. */
export type Fault = (clock: Clock) => unknown;
