import { BOTH, published, refused } from '../outcomes.ts';
import type { Scenario } from '../scenario.ts';

const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf';
const DC2 = { CONSUL_DATACENTER: 'dc2' };
const OTHER_SCOPE = /unset CONSUL_DATACENTER, CONSUL_NAMESPACE or CONSUL_PARTITION/;
const ONE_CLUSTER = /nothing but Consul answers at _CONSUL_HOST/;

const ENTERPRISE = refused(
  'CONSUL_NAMESPACES_ENTERPRISE',
  'consul-leaf',
  ['leaf'],
  /^unset CONSUL_NAMESPACE and CONSUL_PARTITION$/,
);
const NO_SUCH_DATACENTER = /consul catalog datacenters/;

/** Datacenters, scopes, names, and leaves that do not belong to the roots. */
export const PLACES: readonly Scenario[] = [
  { name: 'dc1', answers: ['datacenters-dc1-roots', 'datacenters-dc1-leaf'], ...published() },
  { name: 'dc2', answers: ['datacenters-dc2-roots', 'datacenters-dc2-leaf'], ...published(2) },
  {
    name: 'T12: 1.8.7: dc2, whose chain repeats the intermediate',
    answers: ['1.8.7/datacenters-dc2-roots', '1.8.7/datacenters-dc2-leaf'],
    ...published(2),
  },
  {
    name: 'T2: dc2 asked of dc1, which has its own leaf cached',
    answers: ['datacenters-dc1-roots-of-dc2', 'datacenters-dc1-leaf-of-dc2-own-cached'],
    environment: DC2,
    ...refused('WRONG_SCOPE', 'identity', ['rejected'], OTHER_SCOPE),
  },
  {
    name: 'T2: 1.8.7: dc2 asked of dc1, which has its own leaf cached',
    answers: ['1.8.7/datacenters-dc1-roots-of-dc2', '1.8.7/datacenters-dc1-leaf-of-dc2-own-cached'],
    environment: DC2,
    ...published(2),
  },
  {
    name: 'dc2 asked of dc1',
    answers: ['datacenters-dc1-roots-of-dc2', 'datacenters-dc1-leaf-of-dc2-first'],
    environment: { ...DC2, _CONSUL_SERVICE: 'web' },
    ...published(2),
  },
  {
    name: 'T2: dc2 asked of dc1, whose blocking query comes to its own leaf',
    answers: [
      'datacenters-dc1-roots-of-dc2',
      'datacenters-dc1-leaf-of-dc2-first',
      'datacenters-dc1-leaf-of-dc2-blocking',
    ],
    environment: { ...DC2, _CONSUL_SERVICE: 'web' },
    ...published(2),
    run: ['published', 'rejected WRONG_SCOPE'],
    remedy: OTHER_SCOPE,
  },
  {
    name: 'dc1 asked of dc1 after dc2',
    answers: ['datacenters-dc1-roots', 'datacenters-dc1-leaf-after-that-of-dc2'],
    environment: { _CONSUL_SERVICE: 'web' },
    ...published(),
  },
  {
    name: 'dc2 without its primary, which was rotated before',
    answers: ['datacenters-primary-lost-dc2-roots', 'datacenters-primary-lost-dc2-leaf-of-new-service'],
    environment: { _CONSUL_SERVICE: 'another' },
    ...published(3, 2),
  },
  {
    name: 'dc1 asked of dc2 without its primary',
    answers: ['datacenters-primary-lost-dc2-roots-of-dc1'],
    environment: { CONSUL_DATACENTER: 'dc1' },
    ...refused('CONSUL_NO_SERVERS', 'consul', ['roots'], /those of CONSUL_DATACENTER too/),
    unrecorded: [`GET ${LEAF}/ambassador?dc=dc1`],
  },
  {
    name: 'its own datacenter by name',
    answers: [['roots-first', `${ROOTS}?dc=dc1`], 'scope-dc-own-leaf'],
    environment: { CONSUL_DATACENTER: 'dc1' },
    ...published(),
  },
  {
    name: 'a datacenter that does not exist',
    answers: ['scope-dc-unknown-roots', 'scope-dc-unknown-leaf'],
    environment: { CONSUL_DATACENTER: 'dc9', _CONSUL_SERVICE: 'uncached' },
    ...refused('CONSUL_UNKNOWN_DATACENTER', 'consul', BOTH, NO_SUCH_DATACENTER),
  },
  {
    name: 'T2: a datacenter that does not exist, and the leaf of another cached',
    answers: ['scope-dc-unknown-roots', 'scope-dc-unknown-leaf-cached'],
    environment: { CONSUL_DATACENTER: 'dc9' },
    ...refused('CONSUL_UNKNOWN_DATACENTER', 'consul', ['roots'], NO_SUCH_DATACENTER),
  },
  {
    name: 'a namespace',
    answers: ['scope-ns-roots', 'scope-ns-leaf'],
    environment: { CONSUL_NAMESPACE: 'team' },
    ...ENTERPRISE,
  },
  {
    name: 'the namespace default',
    answers: [['scope-ns-roots', `${ROOTS}?ns=default`], 'scope-ns-default-leaf'],
    environment: { CONSUL_NAMESPACE: 'default' },
    ...ENTERPRISE,
  },
  {
    name: 'a partition',
    answers: ['scope-partition-roots', 'scope-partition-leaf'],
    environment: { CONSUL_PARTITION: 'team' },
    ...ENTERPRISE,
  },
  {
    name: 'the partition default',
    answers: [['scope-partition-roots', `${ROOTS}?partition=default`], 'scope-partition-default-leaf'],
    environment: { CONSUL_PARTITION: 'default' },
    ...ENTERPRISE,
  },
  {
    name: '1.8.7: a partition, which it ignores',
    answers: ['1.8.7/scope-partition-roots', '1.8.7/scope-partition-leaf'],
    environment: { CONSUL_PARTITION: 'team' },
    ...refused('WRONG_SCOPE', 'identity', ['rejected'], OTHER_SCOPE),
  },
  {
    name: '1.8.7: the partition default, which it ignores',
    answers: [
      ['1.8.7/scope-partition-roots', `${ROOTS}?partition=default`],
      '1.8.7/scope-partition-default-leaf',
    ],
    environment: { CONSUL_PARTITION: 'default' },
    ...published(),
  },
  // A name with a slash, and an empty one, are refused at the start: the answers are those to a name that is not.
  ...['leaf-name-encoded', 'leaf-name-empty'].map(
    (answer): Scenario => ({
      name: `T11: ${answer}`,
      answers: ['roots-first', [answer, `${LEAF}/b%20c`]],
      environment: { _CONSUL_SERVICE: 'b c' },
      ...refused(
        'CONSUL_SERVICE_NAME_REFUSED',
        'consul-leaf',
        ['leaf'],
        /set _CONSUL_SERVICE to a name of letters, digits and "-" instead of "b c"/,
      ),
    }),
  ),
  // Recorded without their roots: they are refused by those of another cluster.
  {
    name: 'leaf-ttl-1h, by the roots of another cluster',
    answers: ['roots-first', 'leaf-ttl-1h'],
    ...refused('WRONG_TRUST_DOMAIN', 'identity', ['rejected'], ONE_CLUSTER),
  },
  {
    // Consul dates a leaf back by a minute, so that one of 20 s is over before it is issued.
    name: 'leaf-ttl-20s, each query another one',
    answers: ['roots-first', 'leaf-ttl-20s', 'leaf-ttl-20s-blocking', 'leaf-ttl-20s-blocking-second'],
    environment: { _CONSUL_SERVICE: 'short' },
    ...refused('EXPIRED', 'identity', ['rejected'], /compare the clocks/),
  },
  {
    name: 'leaf-ttl-20s, asked again',
    answers: ['roots-first', 'leaf-ttl-20s-again'],
    environment: { _CONSUL_SERVICE: 'short' },
    ...refused('EXPIRED', 'identity', ['rejected'], /compare the clocks/),
  },
  ...['rotation-only-ec-to-rsa-leaf-blocking', 'rotation-second-ec-leaf-blocking'].map(
    (answer): Scenario => ({
      name: `${answer}, by the roots of another cluster`,
      answers: ['rotation-only-ec-to-rsa-roots-right-after', [answer, `${LEAF}/ambassador`]],
      ...refused('WRONG_TRUST_DOMAIN', 'identity', ['rejected'], ONE_CLUSTER),
    }),
  ),
  {
    name: 'the first leaf of a service right after a rotation',
    answers: ['rotation-1-roots-right-after', 'rotation-1-leaf-of-new-service-right-after'],
    environment: { _CONSUL_SERVICE: 'new-service' },
    ...published(2, 2),
  },
];
