import type { Scenario } from './scenario.ts';

type Outcome = Pick<Scenario, 'comesTo' | 'check' | 'run' | 'remedy'>;

/** All four are content with so many certificates and roots. */
export function published(chain = 1, roots = 1): Outcome {
  return { comesTo: { chain, roots }, check: 'ok', run: ['published'] };
}

/** `once` and `render` fail with `code`, `check` in `row`, and `run` for these queries. */
export function refused(code: string, row: string, queries: readonly string[], remedy: RegExp): Outcome {
  return { comesTo: code, check: `${row} ${code}`, run: queries.map((query) => `${query} ${code}`), remedy };
}

/** What Consul answered is published, and `check` fails in `row`; `run` says at the start that it will not go on. */
export function publishedFromCache(code: string, row: string, remedy: RegExp): Outcome {
  return {
    comesTo: { chain: 1, roots: 1 },
    check: `${row} ${code}`,
    run: ['published', `renewal ${code}`],
    remedy,
  };
}

export const BOTH = ['leaf', 'roots'];

export const NO_TOKEN =
  /^set CONSUL_HTTP_TOKEN.+ no token was sent, .+: service "ambassador" \{ policy = "write" \}$/;
export const POLICY = /^attach a policy with: service "ambassador" \{ policy = "write" \}$/;
export const TOKEN_THAT_EXISTS = /^set CONSUL_HTTP_TOKEN to a token that exists/;
export const SEE_SERVERS = /port 8300: consul members/;
