import { BOTH, published, refused } from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf/ambassador';
const LEADER = /consul operator raft list-peers/;
const PRIMARY = /secondary datacenter waits for its primary/;
const REQUEST_LIMITS = /raise limits\.request_limits of the servers/;

/**
 * What a server is not ready for, or not willing to do. Where the leaf alone was recorded, the roots are those of another
 * server: they are not compared with anything.
 */
export const SERVERS: readonly Scenario[] = [
  {
    name: 'Connect disabled',
    answers: ['connect-disabled-roots', 'connect-disabled-leaf'],
    ...refused('CONSUL_CONNECT_DISABLED', 'consul-connect', BOTH, /connect \{ enabled = true \}/),
  },
  {
    name: 'no leader',
    answers: ['no-leader-roots', 'no-leader-leaf'],
    ...refused('CONSUL_NO_LEADER', 'consul', BOTH, LEADER),
  },
  {
    name: 'no leader any more, and a wait that ends before the server gives up',
    answers: ['roots-second', 'no-leader-roots-index', 'leaf-second'],
    ...published(),
    run: ['published', 'roots CONSUL_NO_LEADER'],
    remedy: LEADER,
  },
  { name: 'just started', answers: ['just-started-roots-1', 'just-started-leaf-1'], ...published() },
  {
    name: 'just started, another service',
    answers: ['just-started-roots-1', 'just-started-leaf-of-another-1'],
    environment: { _CONSUL_SERVICE: 'web' },
    ...published(),
  },
  {
    name: 'just restarted: no leader at first',
    answers: ['restarted-roots-1', 'restarted-roots-2', 'restarted-leaf-1', 'restarted-leaf-2'],
    ...refused('CONSUL_NO_LEADER', 'consul', BOTH, LEADER),
    run: ['leaf CONSUL_NO_LEADER', 'leaf again', 'published', 'roots CONSUL_NO_LEADER', 'roots again'],
  },
  {
    name: 'a secondary alone',
    answers: ['secondary-alone-roots', 'secondary-alone-leaf'],
    ...refused('CONSUL_CA_NOT_READY', 'consul-connect', BOTH, PRIMARY),
  },
  {
    name: 'a secondary alone, which had its CA',
    answers: ['datacenters-dc2-roots', 'datacenters-dc2-leaf', 'secondary-alone-roots-index'],
    ...published(2),
    run: ['published', 'roots CONSUL_CA_NOT_READY'],
    remedy: PRIMARY,
  },
  {
    name: '1.8.7: a secondary alone',
    answers: [
      '1.8.7/secondary-alone-roots',
      '1.8.7/secondary-alone-roots-index',
      '1.8.7/secondary-alone-leaf',
    ],
    ...refused('CONSUL_CA_NOT_READY', 'consul-connect', BOTH, PRIMARY),
  },
  {
    name: 'block_endpoints',
    answers: ['block-endpoints-roots', 'block-endpoints-leaf'],
    ...refused('CONSUL_ENDPOINT_BLOCKED', 'consul', BOTH, /http_config\.block_endpoints/),
  },
  {
    name: 'csr_max_per_second',
    answers: ['roots-first', 'csr-rate-limit-leaf'],
    environment: { _CONSUL_SERVICE: 'svc-0' },
    ...refused('CONSUL_RATE_LIMITED', 'consul-leaf', ['leaf'], /csr_max_per_second/),
  },
  {
    name: 'http_max_conns_per_client',
    answers: ['http-max-conns-roots'],
    ...refused('CONSUL_RATE_LIMITED', 'consul', BOTH, /limits\.http_max_conns_per_client/),
  },
  {
    name: 'request_limits, writes',
    answers: ['roots-first', 'request-limits-leaf-of-many-services-503'],
    environment: { _CONSUL_SERVICE: 'svc-40' },
    ...refused('CONSUL_RATE_LIMITED', 'consul-leaf', ['leaf'], REQUEST_LIMITS),
  },
  {
    name: 'request_limits, writes through a client agent',
    answers: ['client-roots-first', 'client-request-limits-leaf-of-many-services-503'],
    environment: { _CONSUL_SERVICE: 'c-10' },
    ...refused('CONSUL_RATE_LIMITED', 'consul-leaf', ['leaf'], REQUEST_LIMITS),
  },
  {
    name: 'request_limits, reads',
    answers: [
      ['request-limits-roots-of-catalog-429', ROOTS],
      ['request-limits-roots-of-catalog-429', LEAF],
    ],
    ...refused('CONSUL_RATE_LIMITED', 'consul', BOTH, REQUEST_LIMITS),
  },
  {
    name: 'the HTTPS port asked in HTTP',
    answers: ['https-port-asked-over-http', ['https-port-asked-over-http', LEAF]],
    ...refused('CONSUL_HTTP_TO_HTTPS', 'consul-tls', BOTH, /CONSUL_HTTP_SSL=true/),
  },
  {
    name: 'the HTTP port asked in HTTPS',
    answers: ['http-port-asked-over-tls'],
    environment: { CONSUL_HTTP_SSL: 'true' },
    ...refused('CONSUL_TLS', 'consul-tls', BOTH, /CONSUL_HTTP_SSL=false/),
  },
  {
    name: 'a server that does not know the endpoints',
    answers: [
      ['roots-path-unknown', ROOTS],
      ['roots-path-unknown', LEAF],
    ],
    ...refused('CONSUL_NOT_FOUND', 'consul', BOTH, /_CONSUL_HOST and _CONSUL_PORT/),
  },
];
