import fc from 'fast-check';
import { spoilt } from '../unit/bytes.ts';
import { isOwn, type Target } from './targets.ts';

export interface FuzzOptions {
  /** Ends after this time or this number of inputs. */
  readonly seconds?: number;
  readonly inputs?: number;
  readonly seed?: number | undefined;
}

/** Neither valid nor hostile input may take longer. */
const LONGEST_MS = 2_000;

/** Node's warnings on standard error could quote the input. */
function refuseWarnings(warning: Error): never {
  throw warning;
}

/**
 * Runs a decoder on slightly damaged inputs, after the corpus itself.
 *
 * @throws the error of fast-check, with the smallest input it found and the seed
 */
export async function fuzz(target: Target, { seconds, inputs: numRuns, seed }: FuzzOptions): Promise<number> {
  let inputs = 0;
  const texts = fc.constantFrom(...target.corpus);
  const once = texts.chain(spoilt);
  const nearlyGood = fc.oneof(texts, once, once.chain(spoilt), once.chain(spoilt).chain(spoilt));
  const property = fc.asyncProperty(nearlyGood, async (text) => {
    inputs += 1;
    const before = performance.now();
    try {
      await target.decode(text);
    } catch (error) {
      if (!isOwn(error)) throw error;
    }
    const took = performance.now() - before;
    if (took > LONGEST_MS) throw new Error(`it took ${Math.round(took)} ms`);
  });
  process.on('warning', refuseWarnings);
  await fc.assert(property, {
    examples: target.corpus.map((text) => [text]),
    numRuns: numRuns ?? Number.MAX_SAFE_INTEGER,
    ...(seconds === undefined
      ? {}
      : { interruptAfterTimeLimit: seconds * 1_000, markInterruptAsFailure: false }),
    ...(seed === undefined ? {} : { seed }),
  });
  process.off('warning', refuseWarnings);
  return inputs;
}
