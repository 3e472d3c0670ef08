import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { hasPolicies } from './manifests.ts';
import { NAMESPACE, useWorld } from './world.ts';

/** As k8s/overlays/three-ambassadors has them; each beside a Consul service of its own. */
const CONNECTORS = [
  { id: '', account: 'ambassador-consul-connector', prefix: 'ambassador', service: 'ambassador' },
  { id: 'edge', account: 'ambassador-consul-connector-edge', prefix: 'edge', service: 'ambassador-edge' },
  {
    id: 'internal',
    account: 'ambassador-consul-connector-internal',
    prefix: 'internal',
    service: 'ambassador-internal',
  },
] as const;

const world = useWorld({}, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/three-ambassadors`]);
});

test('three Ambassadors: each connector publishes its own Secret and Service, with the rights of the overlay alone', async () => {
  const daemons = await Promise.all(
    CONNECTORS.map(async ({ id, account }) =>
      startDaemon({ ...(await world.environment(account)), _AMBASSADOR_ID: id }),
    ),
  );
  try {
    await Promise.all(daemons.map((daemon) => daemon.ready()));
    for (const [index, { prefix, service }] of CONNECTORS.entries()) {
      const secret = await world.show('secret', `${prefix}-consul-connect`);
      const announced = await world.show('service', `${prefix}-consul-connector`);
      const spiffeId = secret?.metadata.annotations['ambassador-consul-connector/spiffe-id'] ?? '';
      assert.ok(spiffeId.endsWith(`/svc/${service}`), spiffeId);
      const config = announced?.metadata.annotations['getambassador.io/config'] ?? '';
      assert.match(config, new RegExp(`^secret: ${prefix}-consul-connect$`, 'm'));
      await eventually('an Event', async () =>
        /Published/.test(
          await world.kubectl([
            'get',
            'events',
            `--field-selector=involvedObject.name=${prefix}-consul-connect`,
          ]),
        ),
      );
      const { stdout = '', logs = [] } = daemons[index] ?? {};
      assert.deepEqual(
        logs.filter(({ level }) => level !== 'info'),
        [],
        stdout,
      );
    }
    const writers = (await world.kubernetes.writes()).filter(({ user }) =>
      user.startsWith('system:serviceaccount:'),
    );
    assert.deepEqual(
      writers.map(({ code }) => code),
      Array(2 * CONNECTORS.length).fill(201),
      'one Secret and one Service each, and nothing was tried besides',
    );
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  }
});

test('three Ambassadors: none may read, change or delete what another keeps, nor any other object', async () => {
  await world.kubectl(['create', 'secret', 'generic', 'of-somebody']);
  const limitsCreation = await hasPolicies(world.kubectl);
  for (const { account, prefix } of CONNECTORS) {
    const tries = async (args: readonly string[]) => {
      const as = `--as=system:serviceaccount:${NAMESPACE}:${account}`;
      const { code, stderr } = await world.kubernetes.kubectl(['-n', NAMESPACE, as, ...args]);
      return code === 0 ? 'done' : /forbidden/i.test(stderr) ? 'forbidden' : stderr;
    };
    const touch = (kind: string, name: string) =>
      tries(['annotate', '--overwrite', kind, name, 'touched=yes']);
    const patch = (kind: string, name: string) =>
      tries(['patch', kind, name, '--type=merge', '-p', '{"metadata":{"annotations":{"touched":"yes"}}}']);
    const list = (kind: string, name: string) =>
      tries(['get', kind, `--field-selector=metadata.name=${name}`]);

    assert.equal(await list('secrets', `${prefix}-consul-connect`), 'done', account);
    for (const { prefix: other } of CONNECTORS.filter((each) => each.prefix !== prefix)) {
      for (const [kind, name] of [
        ['secrets', `${other}-consul-connect`],
        ['secrets', `${other}-consul-connect-ca`],
        ['services', `${other}-consul-connector`],
      ] as const) {
        for (const attempt of [list, patch, touch])
          assert.equal(await attempt(kind, name), 'forbidden', `${account} on ${kind} ${name}`);
        assert.equal(await tries(['delete', kind, name]), 'forbidden');
        const create =
          kind === 'secrets' ? ['secret', 'generic', name] : ['service', 'clusterip', name, '--tcp=80'];
        const created = await tries(['create', '--dry-run=server', ...create]);
        assert.equal(
          created === 'forbidden',
          limitsCreation,
          `${account} creates ${kind} ${name}: ${created}`,
        );
      }
    }
    assert.equal(await patch('secrets', 'of-somebody'), 'forbidden');
    assert.equal(await tries(['get', 'secrets']), 'forbidden');
  }
});

test('three Ambassadors: a connector with the ID of another has no rights there, and says so', async () => {
  const before = await world.show('secret', 'internal-consul-connect');
  const environment = await world.environment('ambassador-consul-connector-edge');
  const daemon = startDaemon({ ...environment, _AMBASSADOR_ID: 'internal' });
  try {
    const { remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_FORBIDDEN');
    assert.match(String(remedy), /resourceNames: \["internal-consul-connect(or)?"\]/);
    await daemon.unready(/forbidden/);
    assert.deepEqual(await world.show('secret', 'internal-consul-connect'), before);
  } finally {
    await daemon.stop();
  }
});
