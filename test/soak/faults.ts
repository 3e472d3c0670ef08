import type { Clock } from '../../src/lib/clock.ts';

/** Does something bad; what it leaves behind ends by itself or with the next `heal`. */
export type Fault = (clock: Clock) => unknown;
