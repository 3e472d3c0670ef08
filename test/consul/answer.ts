/** An HTTP answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The prefix that marks a 64-bit number for `encode`: a JavaScript number would lose its last digits. */
const UINT64 = 'uint64:';
const MARKED_UINT64 = /"uint64:(\d+)"/g;

/** A number for `jsonAnswer` that may be larger than a double holds, as `SerialNumber` of a root is. */
export function uint64(value: bigint): string {
  return UINT64 + BigInt.asUintN(64, value).toString();
}

export function jsonAnswer(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = JSON.stringify(value).replace(MARKED_UINT64, '$1');
  return { status: 200, headers: { 'Content-Type': 'application/json', ...headers }, body };
}

/** An error as Consul sends it: a status and a line of plain text. */
export function textAnswer(status: number, body: string): Answer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

/** The same answer under another `X-Consul-Index`; undefined leaves the header out. */
export function withIndex(answer: Answer, index: string | number | bigint | undefined): Answer {
  const { 'X-Consul-Index': _replaced, ...headers } = answer.headers;
  if (index === undefined) return { ...answer, headers };
  return { ...answer, headers: { ...headers, 'X-Consul-Index': String(index) } };
}

/** The same answer out of an agent's cache, so many seconds old; undefined leaves the header out. */
export function withAge(answer: Answer, ageSeconds: number | undefined): Answer {
  if (ageSeconds === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, Age: String(ageSeconds) } };
}

/**
 * The same answer with another JSON body: `change` gets the parsed body and returns the new one. 64-bit numbers lose
 * their last digits on the way.
 */
export function withJson<T>(answer: Answer, change: (body: T) => unknown): Answer {
  return { ...answer, body: JSON.stringify(change(JSON.parse(answer.body.toString()))) };
}
