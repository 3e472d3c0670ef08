import type { Scenario } from './scenario.ts';

type Outcome = Pick<Scenario, 'comesTo' | 'check' | 'run' | 'remedy'>;

/** The outcome of all four commands with these answers. Fields of the outcome in `given` take precedence. */
export function scenario(
  name: string,
  outcome: Outcome,
  given: Pick<Scenario, 'answers'> & Partial<Omit<Scenario, 'name'>>,
): Scenario {
  return { name, ...outcome, ...given };
}

/** The recordings of these names, separated by spaces, that begin with `prefix`. */
export function of(prefix: string, names: string): string[] {
  return names.split(' ').map((name) => `${prefix}-${name}`);
}

/** All four commands succeed, with so many certificates and roots. */
export function published(chain = 1, roots = 1): Outcome {
  return { comesTo: { chain, roots }, check: 'ok', run: ['published'] };
}

/** `once` and `render` fail with `code`, `check` in `row`, and `run` for these queries. */
export function refused(code: string, row: string, queries: readonly string[], remedy: RegExp): Outcome {
  return { comesTo: code, check: `${row} ${code}`, run: queries.map((query) => `${query} ${code}`), remedy };
}

/** Consul's answer is published, and `check` fails in `row`; `run` warns at the start that the leaf will not be renewed. */
function publishedFromCache(code: string, row: string, remedy: RegExp): Outcome {
  return {
    comesTo: { chain: 1, roots: 1 },
    check: `${row} ${code}`,
    run: ['published', `renewal ${code}`],
    remedy,
  };
}

export const BOTH = ['leaf', 'roots'];

const SET_TOKEN =
  /^set CONSUL_HTTP_TOKEN.+ no token was sent, .+: service "ambassador" \{ policy = "write" \}$/;
const POLICY = /^attach a policy with: service "ambassador" \{ policy = "write" \}$/;
const TOKEN_THAT_EXISTS = /^set CONSUL_HTTP_TOKEN to a token that exists/;

export const NO_TOKEN = refused('CONSUL_PERMISSION_DENIED', 'consul-token', ['leaf'], SET_TOKEN);
export const NO_TOKEN_CACHED = publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-token', SET_TOKEN);
export const UNKNOWN = refused('CONSUL_TOKEN_UNKNOWN', 'consul-token', ['leaf'], TOKEN_THAT_EXISTS);
export const UNKNOWN_CACHED = publishedFromCache('CONSUL_TOKEN_UNKNOWN', 'consul-token', TOKEN_THAT_EXISTS);
export const DENIED = refused('CONSUL_PERMISSION_DENIED', 'consul-leaf', ['leaf'], POLICY);
export const DENIED_CACHED = publishedFromCache('CONSUL_PERMISSION_DENIED', 'consul-leaf', POLICY);
