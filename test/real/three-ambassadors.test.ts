import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../e2e/support/eventually.ts';
import { hasPolicies } from './manifests.ts';
import { CONFIG, NAMESPACE, SERVICE, useWorld } from './world.ts';

/** As in k8s/overlays/three-ambassadors. */
const CONNECTORS = [
  { id: '', account: SERVICE, prefix: 'ambassador', service: 'ambassador' },
  { id: 'edge', account: `${SERVICE}-edge`, prefix: 'edge', service: 'ambassador-edge' },
  { id: 'internal', account: `${SERVICE}-internal`, prefix: 'internal', service: 'ambassador-internal' },
] as const;

const world = useWorld({}, async ({ kubectl, k8s }) => {
  await kubectl(['apply', '-k', `${k8s}/overlays/three-ambassadors`]);
});

test('three Ambassadors: each connector publishes its own Secret and Service, with only the rights of the overlay', async (t) => {
  const daemons = await Promise.all(
    CONNECTORS.map(async ({ id, account }) =>
      world.startDaemon(t, { ...(await world.environment(account)), _AMBASSADOR_ID: id }),
    ),
  );
  await Promise.all(daemons.map((daemon) => daemon.ready()));
  for (const { id, prefix, service } of CONNECTORS) {
    const secret = `${prefix}-consul-connect`;
    const spiffeId = (await world.annotation('secret', secret, `${SERVICE}/spiffe-id`)) ?? '';
    assert.ok(spiffeId.endsWith(`/svc/${service}`), spiffeId);
    const config = (await world.annotation('service', `${prefix}-consul-connector`, CONFIG)) ?? '';
    assert.match(config, new RegExp(`^secret: ${secret}$`, 'm'));
    if (id !== '') assert.match(config, new RegExp(`^ambassador_id: \\[${id}\\]$`, 'm'));
    const events = ['get', 'events', `--field-selector=involvedObject.name=${secret}`];
    await eventually('an Event', async () => /Published/.test(await world.kubectl(events)));
  }
  for (const { logs, stdout } of daemons)
    assert.ok(
      logs.every(({ level }) => level === 'info'),
      stdout,
    );
  const writes = await world.kubernetes.writes();
  assert.deepEqual(
    writes.filter(({ user }) => user.startsWith('system:serviceaccount:')).map(({ code }) => code),
    Array(2 * CONNECTORS.length).fill(201),
    'one Secret and one Service each, and no other attempt',
  );
});

test('three Ambassadors: none may read, change or delete the objects of another, nor any other object', async () => {
  await world.kubectl(['create', 'secret', 'generic', 'foreign']);
  const limitsCreation = await hasPolicies(world.kubectl);
  for (const { account, prefix } of CONNECTORS) {
    const attempt = async (...args: readonly string[]) => {
      const as = `--as=system:serviceaccount:${NAMESPACE}:${account}`;
      const { code, stderr } = await world.kubernetes.kubectl(['-n', NAMESPACE, as, ...args]);
      return code === 0 ? 'done' : /forbidden/i.test(stderr) ? 'forbidden' : stderr;
    };
    const list = (kind: string, name: string) =>
      attempt('get', kind, `--field-selector=metadata.name=${name}`);
    const patch = (kind: string, name: string) =>
      attempt('patch', kind, name, '--type=merge', '-p', '{"metadata":{"annotations":{"touched":"yes"}}}');

    assert.equal(await list('secrets', `${prefix}-consul-connect`), 'done', account);
    for (const { prefix: other } of CONNECTORS.filter((each) => each.prefix !== prefix)) {
      for (const [kind, name] of [
        ['secrets', `${other}-consul-connect`],
        ['secrets', `${other}-consul-connect-ca`],
        ['services', `${other}-consul-connector`],
      ] as const) {
        const what = `${account} on ${kind} ${name}`;
        assert.equal(await list(kind, name), 'forbidden', what);
        assert.equal(await patch(kind, name), 'forbidden', what);
        assert.equal(await attempt('delete', kind, name), 'forbidden', what);
        const create =
          kind === 'secrets' ? ['secret', 'generic', name] : ['service', 'clusterip', name, '--tcp=80'];
        const created = await attempt('create', '--dry-run=server', ...create);
        assert.equal(created === 'forbidden', limitsCreation, `${what}: ${created}`);
      }
    }
    assert.equal(await patch('secrets', 'foreign'), 'forbidden');
    assert.equal(await attempt('get', 'secrets'), 'forbidden');
  }
});

test('three Ambassadors: a connector with the ID of another has no rights there, and reports it', async (t) => {
  const before = await world.show('secret', 'internal-consul-connect');
  const environment = await world.environment(`${SERVICE}-edge`);
  const daemon = await world.startDaemon(t, { ...environment, _AMBASSADOR_ID: 'internal' });

  const { remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_FORBIDDEN');

  assert.match(String(remedy), /resourceNames: \["internal-consul-connect(or)?"\]/);
  await daemon.unready(/forbidden/);
  assert.deepEqual(await world.show('secret', 'internal-consul-connect'), before);
});
