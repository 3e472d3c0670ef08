import { type Answer, textAnswer } from './answer.ts';

const HTML = { 'Content-Type': 'text/html' };

/** Consul's refusals, and those of what stands before it, in their own words: for scripts. */
export const refusals = {
  noClusterLeader: textAnswer(500, 'No cluster leader'),
  /** What a client agent says whose servers are gone: first of the connection it had, at the end of all of them. */
  connectionToServerLost: textAnswer(500, 'rpc error making call: EOF'),
  serverRefusesAgent: textAnswer(
    500,
    'rpc error getting client: failed to get conn: dial tcp 127.0.0.1:0->127.0.0.1:8300: connect: connection refused',
  ),
  noKnownServers: textAnswer(500, 'No known Consul servers'),
  /** A client agent turns the server's 429 into a 500. */
  rateLimitedByAgent: textAnswer(500, 'rpc error making call: Rate limit reached, try again later'),
  rateLimited: textAnswer(
    429,
    'Your IP is issuing too many concurrent connections, please rate limit your calls',
  ),
  rateLimitedSilently: textAnswer(429, ''),
  unavailable: textAnswer(503, 'Service Unavailable'),
  permissionDenied: textAnswer(
    403,
    `Permission denied: token with AccessorID '7a2e4f5c-0000-4000-8000-9d2f6f0b1c11' lacks permission 'service:write' on "ambassador"`,
  ),
  permissionDeniedByRpc: textAnswer(403, 'rpc error making call: Permission denied'),
  aclNotFound: textAnswer(403, 'ACL not found'),
  notFound: textAnswer(404, 'Invalid URL path: not a recognized HTTP API endpoint'),
  namespacesAreEnterprise: textAnswer(
    400,
    'Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature',
  ),
  partitionsAreEnterprise: textAnswer(
    400,
    'Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature',
  ),
  connectDisabled: textAnswer(500, 'Connect must be enabled in order to use this endpoint'),
  caNotInitialised: textAnswer(
    500,
    'rpc error making call: CA is uninitialized and unable to sign certificates yet: no root certificate',
  ),
  noPathToDatacenter: textAnswer(500, 'No path to datacenter'),
  httpToHttps: textAnswer(400, 'Client sent an HTTP request to an HTTPS server.\n'),
  gatewayTimeout: {
    status: 504,
    headers: HTML,
    body: '<html><body><h1>504 Gateway Time-out</h1></body></html>\n',
  },
  signInPage: {
    status: 200,
    headers: HTML,
    body: '<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>\n',
  },
} satisfies Record<string, Answer>;
