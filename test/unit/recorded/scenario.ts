import { answeredAt, readRecording } from '../../fixtures/consul/recording.ts';
import type { ReplayedAnswer, TokenNames } from '../../fixtures/consul/replay.ts';

/**
 * `<version>/<name>` of a recording, without the version for 1.16.4; or that and the path it is the answer for instead of the
 * recorded one.
 */
export type Answer = string | readonly [id: string, path: string];

/** The numbers of certificates in `tls.crt` and of roots in `ca.crt`. */
export interface Published {
  readonly chain: number;
  readonly roots: number;
}

export interface Scenario {
  readonly name: string;
  readonly answers: readonly Answer[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The token that is sent, by its name in the recordings. */
  readonly token?: string | readonly string[];
  /** Whether the bearer token of a login is sent. */
  readonly login?: true;
  /** The outcome of `once` and `render`: an error code, or what is published. */
  readonly comesTo: string | Published;
  /** The first row of `check` that is no PASS, and its code; `ok` if there is none. */
  readonly check: string;
  /** What `run` logs up to its first outcome, each once: `published`, or the query and the code. */
  readonly run: readonly string[];
  /** Of every error in all four. */
  readonly remedy?: RegExp;
  /** Requests without a recording, which do not matter here. */
  readonly unrecorded?: readonly string[];
}

/** Answers of any server with ACLs off. */
const WITHOUT_ACLS = ['1.16.4/acl-off-authorize', '1.16.4/acl-off-token-self'];
const NO_DATE = Date.parse('2026-11-28T16:20:00Z');
const AUTHORIZE = '/v1/internal/acl/authorize';

export function idOf(answer: Answer): string {
  const id = typeof answer === 'string' ? answer : answer[0];
  return id.includes('/') ? id : `1.16.4/${id}`;
}

export function replayed(answers: readonly Answer[]): ReplayedAnswer[] {
  const given = answers.map((answer) => ({
    recording: readRecording(idOf(answer)),
    path: typeof answer === 'string' ? undefined : answer[1],
  }));
  const guarded = given.some(({ recording }) => recording.setup.includes('ACLs on'));
  const paths = given.map(({ recording }) => recording.request.path);
  const others = guarded || paths.includes(AUTHORIZE) ? [] : WITHOUT_ACLS;
  return [...given, ...others.map((id) => ({ recording: readRecording(id), path: undefined }))];
}

/** When the answers were given, in milliseconds since the epoch: the last of them. */
export function timeOf(answers: readonly Answer[]): number {
  const times = answers.map((answer) => answeredAt(readRecording(idOf(answer))) ?? Number.NEGATIVE_INFINITY);
  const last = Math.max(...times);
  return Number.isFinite(last) ? last : NO_DATE;
}

/** The token to send. */
export const TOKEN = '5d2a7c1e-0b43-4f58-9a6d-7e1f0c3b8a92';
/** The token of `login-good` and `login-with-max-token-ttl`; `token/self` was recorded for one without a login. */
const OF_A_LOGIN = ['<login-token>', '<good-token>'];

export function tokensOf({ token, answers }: Pick<Scenario, 'token' | 'answers'>): TokenNames {
  const names: Record<string, readonly string[]> = token === undefined ? {} : { [TOKEN]: [token].flat() };
  for (const { request, response } of answers.map((answer) => readRecording(idOf(answer)))) {
    if (!request.path.startsWith('/v1/acl/login') || response.status !== 200) continue;
    const { SecretID: secret } = JSON.parse(response.body ?? '{}');
    names[String(secret)] = OF_A_LOGIN;
  }
  return names;
}
