import type { ApiError } from './errors.ts';
import type { JsonObject } from './json.ts';

/** A request as tests see it: what was asked, when (milliseconds since 1970), and what it got (0: nothing yet). */
export interface LoggedRequest {
  at: number;
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string;
  userAgent: string;
  /** `get`, `list`, `watch`, `create`, …; empty for an address that is no object. */
  verb: string;
  /** Plural: `secrets`. */
  resource: string;
  namespace: string;
  name: string;
  status: number;
}

/** A fixed answer: a Status (an ApiError), or anything, even what no API server would say. */
export type Reply =
  | ApiError
  | { status: number; body?: string | JsonObject; headers?: Record<string, string>; delay?: number }
  | { delay: number };

/** What to do instead of answering: `hang` says nothing for ever, `reset` sends a TCP reset. */
export type Response = Reply | 'hang' | 'reset';

export type Matcher =
  | ((request: LoggedRequest) => boolean)
  | {
      method?: string;
      path?: string | RegExp;
      verb?: string;
      resource?: string;
      namespace?: string;
      name?: string;
    };

interface Script {
  matcher: Matcher;
  response: Response;
  left: number;
}

function matches(matcher: Matcher, request: LoggedRequest): boolean {
  if (typeof matcher === 'function') {
    return matcher(request);
  }
  const { path, ...fields } = matcher;
  const wanted: Partial<Record<keyof LoggedRequest, unknown>> = fields;
  const pathFits =
    path === undefined || (typeof path === 'string' ? path === request.path : path.test(request.path));
  return (
    pathFits &&
    (wanted.method ?? request.method) === request.method &&
    (wanted.verb ?? request.verb) === request.verb &&
    (wanted.resource ?? request.resource) === request.resource &&
    (wanted.namespace ?? request.namespace) === request.namespace &&
    (wanted.name ?? request.name) === request.name
  );
}

/** Answers given in place of the real one. The newest script that fits counts. */
export class Scripts {
  #scripts: Script[] = [];

  /** `times`: for so many requests only. Returns how to take it back. */
  add(matcher: Matcher, response: Response, times = Number.POSITIVE_INFINITY): () => void {
    const script = { matcher, response, left: times };
    this.#scripts.unshift(script);
    return () => {
      this.#scripts = this.#scripts.filter((other) => other !== script);
    };
  }

  clear(): void {
    this.#scripts = [];
  }

  take(request: LoggedRequest): Response | undefined {
    const script = this.#scripts.find((entry) => entry.left > 0 && matches(entry.matcher, request));
    if (script === undefined) {
      return undefined;
    }
    script.left -= 1;
    return script.response;
  }
}
