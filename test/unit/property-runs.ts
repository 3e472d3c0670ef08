/** The share of its runs that a property test makes: a quarter in `npm test`, all of them in `npm run test:real`. */
const SHARE = Number(process.env['PROPERTY_SHARE'] ?? 0.25);

/** The parameters of `fc.assert` for a test with this full number of runs. */
export function runs(whole: number): { numRuns: number } {
  return { numRuns: Math.ceil(whole * SHARE) };
}
