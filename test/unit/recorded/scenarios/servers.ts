import { BOTH, of, published, refused, scenario } from '../outcomes.ts';
import type { Answer, Scenario } from '../scenario.ts';

const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf/ambassador';
const LEADER = /consul operator raft list-peers/;
const PRIMARY = /secondary datacenter waits for its primary/;

const NO_LEADER = refused('CONSUL_NO_LEADER', 'consul', BOTH, LEADER);
const NOT_READY = refused('CONSUL_CA_NOT_READY', 'consul-connect', BOTH, PRIMARY);
const LIMITS = /raise limits\.request_limits of the servers/;
const limited = (queries: readonly string[], remedy: RegExp) =>
  refused('CONSUL_RATE_LIMITED', queries === BOTH ? 'consul' : 'consul-leaf', queries, remedy);
const service = (name: string) => ({ environment: { _CONSUL_SERVICE: name } });
/** One recording for both queries. */
const toBoth = (id: string): Answer[] => [
  [id, ROOTS],
  [id, LEAF],
];

/**
 * Requests that a server is not ready for, or refuses. If only the leaf was recorded, the roots are those of another
 * server: they are not compared with anything.
 */
export const SERVERS: readonly Scenario[] = [
  scenario(
    'Connect disabled',
    refused('CONSUL_CONNECT_DISABLED', 'consul-connect', BOTH, /connect \{ enabled = true \}/),
    { answers: of('connect-disabled', 'roots leaf') },
  ),
  scenario('no leader', NO_LEADER, { answers: of('no-leader', 'roots leaf') }),
  scenario('no leader any more, and a wait that ends before the server gives up', published(), {
    answers: ['roots-second', 'no-leader-roots-index', 'leaf-second'],
    run: ['published', 'roots CONSUL_NO_LEADER'],
    remedy: LEADER,
  }),
  scenario('just started', published(), { answers: of('just-started', 'roots-1 leaf-1') }),
  scenario('just started, another service', published(), {
    answers: of('just-started', 'roots-1 leaf-of-another-1'),
    ...service('web'),
  }),
  scenario('just restarted: no leader at first', NO_LEADER, {
    answers: of('restarted', 'roots-1 roots-2 leaf-1 leaf-2'),
    run: ['leaf CONSUL_NO_LEADER', 'leaf again', 'published', 'roots CONSUL_NO_LEADER', 'roots again'],
  }),
  scenario('a secondary alone', NOT_READY, { answers: of('secondary-alone', 'roots leaf') }),
  scenario('a secondary alone, which had its CA', published(2), {
    answers: [...of('datacenters-dc2', 'roots leaf'), 'secondary-alone-roots-index'],
    run: ['published', 'roots CONSUL_CA_NOT_READY'],
    remedy: PRIMARY,
  }),
  scenario('1.8.7: a secondary alone', NOT_READY, {
    answers: of('1.8.7/secondary-alone', 'roots roots-index leaf'),
  }),
  scenario(
    'block_endpoints',
    refused('CONSUL_ENDPOINT_BLOCKED', 'consul', BOTH, /http_config\.block_endpoints/),
    { answers: of('block-endpoints', 'roots leaf') },
  ),
  scenario('csr_max_per_second', limited(['leaf'], /csr_max_per_second/), {
    answers: ['roots-first', 'csr-rate-limit-leaf'],
    ...service('svc-0'),
  }),
  scenario('http_max_conns_per_client', limited(BOTH, /limits\.http_max_conns_per_client/), {
    answers: ['http-max-conns-roots'],
  }),
  scenario('request_limits, writes', limited(['leaf'], LIMITS), {
    answers: ['roots-first', 'request-limits-leaf-of-many-services-503'],
    ...service('svc-40'),
  }),
  scenario('request_limits, writes through a client agent', limited(['leaf'], LIMITS), {
    answers: of('client', 'roots-first request-limits-leaf-of-many-services-503'),
    ...service('c-10'),
  }),
  scenario('request_limits, reads', limited(BOTH, LIMITS), {
    answers: toBoth('request-limits-roots-of-catalog-429'),
  }),
  scenario(
    'an HTTP request to the HTTPS port',
    refused('CONSUL_HTTP_TO_HTTPS', 'consul-tls', BOTH, /CONSUL_HTTP_SSL=true/),
    { answers: ['https-port-asked-over-http', ['https-port-asked-over-http', LEAF]] },
  ),
  scenario(
    'an HTTPS request to the HTTP port',
    refused('CONSUL_TLS', 'consul-tls', BOTH, /CONSUL_HTTP_SSL=false/),
    { answers: ['http-port-asked-over-tls'], environment: { CONSUL_HTTP_SSL: 'true' } },
  ),
  scenario(
    'a server without the endpoints',
    refused('CONSUL_NOT_FOUND', 'consul', BOTH, /_CONSUL_HOST and _CONSUL_PORT/),
    { answers: toBoth('roots-path-unknown') },
  ),
];
