import { generateKeyPair, privateKeyPem } from '../fixtures/certificates/factory.ts';
import { withIndex, withJson } from '../fixtures/consul/answer.ts';
import type { EmbeddedConsul } from '../fixtures/consul/embedded-consul.ts';
import { refusals } from '../fixtures/consul/refusals.ts';
import type { Script } from '../fixtures/consul/script.ts';
import type { LeafJson, RootsJson } from '../fixtures/consul/wire.ts';
import type { Fault } from './faults.ts';
import type { Random } from './random.ts';

const strangersKey = privateKeyPem(await generateKeyPair('ec-p256'));

/** What Consul, or a proxy in front of it, answers instead of the correct answer. */
const ANSWERS: Readonly<Record<string, Script>> = {
  'Consul 500': () => refusals.noClusterLeader,
  'Consul 503': () => refusals.unavailable,
  'Consul 403': () => refusals.permissionDenied,
  'Consul 403 unknown token': () => refusals.aclNotFound,
  'Consul 429': () => refusals.rateLimited,
  'Consul 429 by its agent': () => refusals.rateLimitedByAgent,
  'Consul HTML': () => refusals.signInPage,
  'Consul 504': () => refusals.gatewayTimeout,
  'Consul truncated': () => 'cut-in-body',
  'Consul reset': () => 'reset',
  'Consul close': () => 'close',
  'Consul hang': () => 'hang',
  'Consul stall': () => 'stall-after-headers',
  'Consul index backwards': async (_, truth) => withIndex(await truth.blocked(), 1),
  'Consul index 0': async (_, truth) => withIndex(await truth.now(), 0),
  'Consul empty roots': async ({ target }, truth) =>
    target === 'roots'
      ? withJson(await truth.now(), (roots: RootsJson) => ({ ...roots, Roots: [] }))
      : undefined,
  'Consul leaf of another key': async ({ target }, truth) =>
    target === 'leaf'
      ? withJson(await truth.now(), (leaf: LeafJson) => ({ ...leaf, PrivateKeyPEM: strangersKey }))
      : undefined,
};

/** Each gives a few wrong answers; `slow` and the restarts are not answers. */
export function consulFaults(consul: EmbeddedConsul, random: Random): Readonly<Record<string, Fault>> {
  const answers = Object.entries(ANSWERS).map(([kind, script]): [string, Fault] => [
    kind,
    () => {
      let left = random.between(1, 3);
      consul.script(random.pick(['roots', 'leaf', 'any']), (request, truth) => {
        left -= 1;
        return left < 0 ? undefined : script(request, truth);
      });
    },
  ]);
  return {
    ...Object.fromEntries(answers),
    'Consul slow': (clock) => {
      const ms = random.between(500, 5_000);
      let left = random.between(1, 3);
      consul.script('any', async ({ signal }) => {
        left -= 1;
        if (left >= 0) await clock.sleep(ms, signal);
        return undefined;
      });
    },
    'Consul restart': () => consul.restart({ downMs: random.between(0, 3_000) }),
    'Consul restart with an empty data directory': () =>
      consul.restart({ keepCa: false, downMs: random.between(0, 3_000) }),
  };
}
