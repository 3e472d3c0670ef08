import { describe, test } from 'node:test';
import type { Answer } from '../fixtures/consul/answer.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import { useHolds } from './support/holds.ts';

/** `unit/consul/refusals.test.ts` has all of them; these are one of each kind: Consul, a limit, a permission, a proxy. */
describe('16: what Consul, or a proxy before it, says instead of an answer', () => {
  const holds = useHolds();

  for (const [what, answer, code, error, remedy] of [
    [
      '500 `No cluster leader`',
      refusals.noClusterLeader,
      'CONSUL_NO_LEADER',
      /has no leader/,
      /raft list-peers/,
    ],
    [
      '429 empty',
      refusals.rateLimitedSilently,
      'CONSUL_RATE_LIMITED',
      /limits the rate of requests/,
      /request_limits/,
    ],
    [
      '403 `Permission denied…`',
      refusals.permissionDenied,
      'CONSUL_PERMISSION_DENIED',
      /may not have the leaf/,
      /service "ambassador" \{ policy = "write" \}/,
    ],
    [
      '200 with an HTML page',
      refusals.signInPage,
      'CONSUL_INVALID_RESPONSE',
      /it is HTML/,
      /a proxy or a login page/,
    ],
  ] satisfies [string, Answer, string, RegExp, RegExp][]) {
    test(`16: ${what}: holds, with its own cause and remedy`, () =>
      holds({ target: 'leaf', script: () => () => answer, code, error, remedy }));
  }
});
