import { BOTH, of, published, refused, scenario } from '../outcomes.ts';
import type { Answer, Scenario } from '../scenario.ts';

const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf';
const OTHER_SCOPE = /unset CONSUL_DATACENTER, CONSUL_NAMESPACE or CONSUL_PARTITION/;
const ONE_CLUSTER = /only Consul answers at _CONSUL_HOST/;
const NO_SUCH_DATACENTER = /consul catalog datacenters/;

const WRONG_SCOPE = refused('WRONG_SCOPE', 'identity', ['rejected'], OTHER_SCOPE);
const WRONG_TRUST_DOMAIN = refused('WRONG_TRUST_DOMAIN', 'identity', ['rejected'], ONE_CLUSTER);
const EXPIRED = refused('EXPIRED', 'identity', ['rejected'], /compare the clocks/);
const NAME_REFUSED = refused(
  'CONSUL_SERVICE_NAME_REFUSED',
  'consul-leaf',
  ['leaf'],
  /set _CONSUL_SERVICE to a name of letters, digits and "-" instead of "b c"/,
);
const ENTERPRISE = refused(
  'CONSUL_NAMESPACES_ENTERPRISE',
  'consul-leaf',
  ['leaf'],
  /^unset CONSUL_NAMESPACE and CONSUL_PARTITION$/,
);

/** The scope, and the service if it is not the usual one. */
function at(scope: Readonly<Record<string, string>>, service?: string) {
  return { environment: { ...scope, ...(service === undefined ? {} : { _CONSUL_SERVICE: service }) } };
}
const DC1 = { CONSUL_DATACENTER: 'dc1' };
const DC2 = { CONSUL_DATACENTER: 'dc2' };
const DC9 = { CONSUL_DATACENTER: 'dc9' };
const OWN_CACHED = 'dc1-roots-of-dc2 dc1-leaf-of-dc2-own-cached';

/** The recorded roots of one query as the answer to another one. */
const rootsFor = (id: string, query: string): Answer => [id, `${ROOTS}?${query}`];

/** Datacenters, scopes, names, and leaves that do not belong to the roots. */
export const PLACES: readonly Scenario[] = [
  scenario('dc1', published(), { answers: of('datacenters', 'dc1-roots dc1-leaf') }),
  scenario('dc2', published(2), { answers: of('datacenters', 'dc2-roots dc2-leaf') }),
  scenario('T12: 1.8.7: dc2, whose chain repeats the intermediate', published(2), {
    answers: of('1.8.7/datacenters', 'dc2-roots dc2-leaf'),
  }),
  scenario('T2: dc2 by way of dc1, which has its own leaf cached', WRONG_SCOPE, {
    answers: of('datacenters', OWN_CACHED),
    ...at(DC2),
  }),
  scenario('T2: 1.8.7: dc2 by way of dc1, which has its own leaf cached', published(2), {
    answers: of('1.8.7/datacenters', OWN_CACHED),
    ...at(DC2),
  }),
  scenario('dc2 by way of dc1', published(2), {
    answers: of('datacenters', 'dc1-roots-of-dc2 dc1-leaf-of-dc2-first'),
    ...at(DC2, 'web'),
  }),
  scenario('T2: dc2 by way of dc1, whose blocking query returns its own leaf', published(2), {
    answers: of('datacenters', 'dc1-roots-of-dc2 dc1-leaf-of-dc2-first dc1-leaf-of-dc2-blocking'),
    ...at(DC2, 'web'),
    run: ['published', 'rejected WRONG_SCOPE'],
    remedy: OTHER_SCOPE,
  }),
  scenario('dc1 after dc2', published(), {
    answers: of('datacenters', 'dc1-roots dc1-leaf-after-that-of-dc2'),
    ...at({}, 'web'),
  }),
  scenario('dc2 without its primary, which was rotated before', published(3, 2), {
    answers: of('datacenters-primary-lost', 'dc2-roots dc2-leaf-of-new-service'),
    ...at({}, 'another'),
  }),
  scenario(
    'dc1 by way of dc2 without its primary',
    refused('CONSUL_NO_SERVERS', 'consul', ['roots'], /including those of CONSUL_DATACENTER/),
    {
      answers: ['datacenters-primary-lost-dc2-roots-of-dc1'],
      ...at(DC1),
      unrecorded: [`GET ${LEAF}/ambassador?dc=dc1`],
    },
  ),
  scenario('its own datacenter by name', published(), {
    answers: [rootsFor('roots-first', 'dc=dc1'), 'scope-dc-own-leaf'],
    ...at(DC1),
  }),
  scenario(
    'a datacenter that does not exist',
    refused('CONSUL_UNKNOWN_DATACENTER', 'consul', BOTH, NO_SUCH_DATACENTER),
    { answers: of('scope-dc-unknown', 'roots leaf'), ...at(DC9, 'uncached') },
  ),
  scenario(
    'T2: a datacenter that does not exist, and the leaf of another cached',
    refused('CONSUL_UNKNOWN_DATACENTER', 'consul', ['roots'], NO_SUCH_DATACENTER),
    { answers: of('scope-dc-unknown', 'roots leaf-cached'), ...at(DC9) },
  ),
  scenario('a namespace', ENTERPRISE, {
    answers: of('scope-ns', 'roots leaf'),
    ...at({ CONSUL_NAMESPACE: 'team' }),
  }),
  scenario('the namespace default', ENTERPRISE, {
    answers: [rootsFor('scope-ns-roots', 'ns=default'), 'scope-ns-default-leaf'],
    ...at({ CONSUL_NAMESPACE: 'default' }),
  }),
  scenario('a partition', ENTERPRISE, {
    answers: of('scope-partition', 'roots leaf'),
    ...at({ CONSUL_PARTITION: 'team' }),
  }),
  scenario('the partition default', ENTERPRISE, {
    answers: [rootsFor('scope-partition-roots', 'partition=default'), 'scope-partition-default-leaf'],
    ...at({ CONSUL_PARTITION: 'default' }),
  }),
  scenario('1.8.7: a partition, which it ignores', WRONG_SCOPE, {
    answers: of('1.8.7/scope-partition', 'roots leaf'),
    ...at({ CONSUL_PARTITION: 'team' }),
  }),
  scenario('1.8.7: the partition default, which it ignores', published(), {
    answers: [
      rootsFor('1.8.7/scope-partition-roots', 'partition=default'),
      '1.8.7/scope-partition-default-leaf',
    ],
    ...at({ CONSUL_PARTITION: 'default' }),
  }),
  // A name with a slash, and an empty one, are rejected at the start: their answers are given to a name that is accepted.
  ...['leaf-name-encoded', 'leaf-name-empty'].map((answer) =>
    scenario(`T11: ${answer}`, NAME_REFUSED, {
      answers: ['roots-first', [answer, `${LEAF}/b%20c`]],
      ...at({}, 'b c'),
    }),
  ),
  // Recorded without their roots: they are refused by those of another cluster.
  scenario('leaf-ttl-1h, by the roots of another cluster', WRONG_TRUST_DOMAIN, {
    answers: ['roots-first', 'leaf-ttl-1h'],
  }),
  ...['rotation-only-ec-to-rsa-leaf-blocking', 'rotation-second-ec-leaf-blocking'].map((answer) =>
    scenario(`${answer}, by the roots of another cluster`, WRONG_TRUST_DOMAIN, {
      answers: ['rotation-only-ec-to-rsa-roots-right-after', [answer, `${LEAF}/ambassador`]],
    }),
  ),
  // Consul dates a leaf back by a minute, so that one of 20 s is over before it is issued.
  scenario('leaf-ttl-20s, each query another one', EXPIRED, {
    answers: ['roots-first', 'leaf-ttl-20s', ...of('leaf-ttl-20s', 'blocking blocking-second')],
    ...at({}, 'short'),
  }),
  scenario('leaf-ttl-20s, again', EXPIRED, {
    answers: ['roots-first', 'leaf-ttl-20s-again'],
    ...at({}, 'short'),
  }),
  scenario('the first leaf of a service right after a rotation', published(2, 2), {
    answers: of('rotation-1', 'roots-right-after leaf-of-new-service-right-after'),
    ...at({}, 'new-service'),
  }),
];
