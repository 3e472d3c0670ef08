import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { Report } from '../e2e/support/report.ts';
import {
  type Attempt,
  CHANGES,
  CREATIONS,
  dry,
  FOREIGN,
  LOAD_BALANCER,
  request,
  tokenSecret,
} from './attacks.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const POLICY = `${NAMESPACE}.${SERVICE}`;
const DENIED = new RegExp(`ValidatingAdmissionPolicy '${POLICY}' with binding '${POLICY}' denied request`);
/** What the authorizer says. */
const NO_RIGHT = /cannot \w+ resource|forbidden/;
const CONFIG = 'getambassador.io/config';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const PLACEHOLDERS = 'k8s/overlays/no-create/placeholders.yaml';
/** Consul puts off the new leaf by up to 30 s, then signs it; a loaded machine takes its time as well. */
const NEW_LEAF_WITHIN_MS = 55_000;
/** The longest backoff of the publishing loop, and room. */
const RECOVERS_WITHIN_MS = 45_000;

const world = useWorld({ persistent: true }, async () => {
  await world.kubectl(['create', 'serviceaccount', 'victim']);
  await world.kubectl(['create', 'secret', 'generic', 'of-somebody']);
  // A policy is in force a moment after it was created.
  const [probe = assert.fail()] = CREATIONS;
  await eventually('the policy is in force', async () => (await attempt(dry(probe))).status === 403, 20_000);
});

for (const attack of CREATIONS)
  test(`S1: the policy refuses to create ${attack.what}`, async () => {
    const { status, message } = await attempt(attack);

    assert.equal(status, 403, message);
    assert.match(message, DENIED);
  });

test(
  'S1: list, get and patch of any object but its own, and get and delete of its own, are Forbidden',
  assertForeign,
);

test('S1: the policy allows what the daemon does: first start, repair within two seconds, rotation, adoption', async () => {
  await assertMayDoItsWork();
  assert.match(
    (await check()).row('creation')?.detail ?? '',
    new RegExp(`ValidatingAdmissionPolicy ${POLICY}$`),
  );
});

for (const attack of CHANGES)
  test(`S1: the policy refuses to give its Service ${attack.what}`, async () => {
    const before = await world.show('service', SERVICE);

    const { status, message } = await attempt(attack);

    assert.equal(status, 403, message);
    assert.match(message, DENIED);
    assert.deepEqual(await world.show('service', SERVICE), before);
  });

test('S1: its Service becomes no load balancer', async () => {
  const { status, message } = await attempt(LOAD_BALANCER);

  assert.equal(status, 422, message);
});

test('S1: the policy refuses to give its Secret an annotation of another controller', async () => {
  const annotations = { 'reflector.v1.k8s.emberstack.com/reflection-auto-enabled': 'true' };
  const { status, message } = await attempt({
    what: 'an annotation',
    method: 'PATCH',
    path: `secrets/${SECRET}`,
    type: 'application/merge-patch+json',
    body: { metadata: { annotations } },
  });

  assert.equal(status, 403, message);
  assert.match(message, DENIED);
});

test('S1: the policy allows to take over what another writer made, and to put right what another changed', async () => {
  const secret = await world.show('secret', SECRET);
  await world.kubectl(['delete', `secret/${SECRET}`, `service/${SERVICE}`]);
  const { 'tls.crt': certificate, 'tls.key': key } = secret?.data ?? {};
  const old = [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: SECRET },
      data: { 'tls.crt': certificate, 'tls.key': key },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: SERVICE,
        annotations: {
          [CONFIG]: `apiVersion: ambassador/v1\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ${SECRET}\n`,
          'prometheus.io/scrape': 'true',
        },
      },
      spec: {
        type: 'LoadBalancer',
        externalIPs: ['192.0.2.7'],
        selector: { service: 'old' },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    },
  ];
  for (const each of old) await world.kubectl(['apply', '-f', '-'], JSON.stringify(each));
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    await eventually('the old copy of the key is gone', async () => {
      return (await world.show('secret', SECRET))?.metadata.annotations[LAST_APPLIED] === undefined;
    });
    await world.kubectl(['annotate', '--overwrite', 'service', SERVICE, `${CONFIG}=spoilt`]);
    await eventually('the annotation', async () =>
      /^---\n/.test((await world.show('service', SERVICE))?.metadata.annotations[CONFIG] ?? ''),
    );
  } finally {
    await daemon.stop();
  }
  assertAllowed(daemon);
  const spec = await world.kubectl([
    'get',
    'service',
    SERVICE,
    '-o',
    'jsonpath={.spec.type} {.spec.externalIPs}',
  ]);
  assert.equal(spec, 'LoadBalancer ["192.0.2.7"]', 'what another writer set stays');
});

test('S1: applied again in any way, the manifest leaves what is published as it is', () =>
  leavesPublished(['-f', world.manifest]));

test('no-create: with its token every creation is Forbidden, and so is what concerns an object of others', async () => {
  await world.kubectl(['delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', POLICY]);
  await world.kubectl(['delete', `secret/${SECRET}`, `service/${SERVICE}`]);
  await world.kubectl(['apply', '-k', 'k8s/overlays/no-create']);

  for (const attack of CREATIONS) {
    const { status, message } = await attempt(attack);
    assert.equal(status, 403, `${attack.what}: ${message}`);
    assert.match(message, NO_RIGHT);
  }
  await assertForeign();
});

test('no-create: nothing is created: the error has the file with the placeholders as its remedy, and these are enough', async () => {
  await world.consul.restart({ wipe: true });
  const daemon = startDaemon({ ...(await world.environment()), ...EACH_ATTEMPT });
  try {
    await toldToCreate(daemon);
    await world.kubectl(['create', '-f', PLACEHOLDERS]);
    await daemon.ready(RECOVERS_WITHIN_MS);
    await rotates();

    await world.kubectl(['delete', 'secret', SECRET]);
    await toldToCreate(daemon);
    assert.equal(await world.show('secret', SECRET), undefined, 'what it gives up: it stays away');
    const again = await world.kubernetes.kubectl(['create', '-f', PLACEHOLDERS]);
    assert.match(again.stderr, /services "ambassador-consul-connector" already exists/);
    await daemon.ready(RECOVERS_WITHIN_MS);
    await eventually('the key', async () => (await world.read(SECRET, 'tls.key')).includes('PRIVATE KEY'));
  } finally {
    await daemon.stop();
  }
  const report = await check();
  assert.deepEqual(report.notPassed, []);
  assert.match(report.row('creation')?.detail ?? '', /^nothing may be created/);
});

test('no-create: applied again in any way, overlay and placeholders leave what is published as it is', async () => {
  await leavesPublished(['-k', 'k8s/overlays/no-create']);
  const before = await world.show('secret', SECRET);
  const { code, stderr } = await world.kubernetes.kubectl(['create', '-f', PLACEHOLDERS]);
  assert.equal(code, 1);
  assert.match(stderr, /secrets "ambassador-consul-connect" already exists/);
  assert.deepEqual(await world.show('secret', SECRET), before);
});

test('no-create: what it gives up: its Service may be given anything', async () => {
  for (const attack of CHANGES) {
    const { status, message } = await attempt(dry(attack));
    assert.equal(status, 200, `${attack.what}: ${message}`);
  }
});

test('before-1.30: what it gives up: any Secret and any Service may be created, and the token of another ServiceAccount read', async () => {
  await world.kubectl(['apply', '-k', 'k8s/overlays/before-1.30']);
  await world.kubectl(['delete', `secret/${SECRET}`, `service/${SERVICE}`]);
  for (const attack of CREATIONS) {
    const { status, message } = await attempt(dry(attack));
    assert.equal(status, 201, `${attack.what}: ${message}`);
  }

  const own = { method: 'POST', path: 'secrets', body: tokenSecret({ name: SECRET }) } as const;
  assert.equal((await attempt({ what: 'step one', ...own })).status, 201);
  const listed = { method: 'GET', path: `secrets?fieldSelector=metadata.name%3D${SECRET}` } as const;
  const { status, message } = await attempt({ what: 'step two', ...listed });
  assert.equal(status, 200);
  assert.match(message, /"kubernetes.io\/service-account.name":"victim"/);
  await assertForeign();
  await world.kubectl(['delete', `secret/${SECRET}`]);
});

test('before-1.30: check warns that create is not limited, and what the daemon does is allowed', async () => {
  await world.consul.restart({ wipe: true });
  const report = await check();
  const [creation] = report.notPassed;
  assert.deepEqual(
    [creation?.check, creation?.status],
    ['creation', 'warn'],
    JSON.stringify(report.notPassed),
  );
  assert.match(creation?.remedy ?? '', /k8s\/overlays\/no-create/);
  await assertMayDoItsWork();
  await leavesPublished(['-k', 'k8s/overlays/before-1.30']);
});

async function attempt(what: Attempt): Promise<{ status: number; message: string }> {
  return request(world.kubernetes, await world.kubernetes.tokenFor(NAMESPACE, SERVICE), what);
}

async function assertForeign(): Promise<void> {
  for (const attack of FOREIGN) {
    const { status, message } = await attempt(attack);
    assert.equal(status, 403, `${attack.what}: ${message}`);
    assert.match(message, NO_RIGHT);
  }
}

/** A first start, a repair of both objects and a rotation, none of which is refused. */
async function assertMayDoItsWork(): Promise<void> {
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    await world.kubectl(['delete', `secret/${SECRET}`, `service/${SERVICE}`]);
    await eventually('both are back', bothThere);
    await rotates();
  } finally {
    await daemon.stop();
  }
  assertAllowed(daemon);
}

/** No request of the daemon was refused. */
function assertAllowed({ logs }: Daemon): void {
  const refused = logs.filter(({ code }) => /^KUBERNETES_(FORBIDDEN|REJECTED)$/.test(String(code)));
  assert.deepEqual(refused, []);
  assert.deepEqual(
    logs.filter(({ msg }) => msg === 'writing an Event failed'),
    [],
  );
}

async function toldToCreate(daemon: Daemon): Promise<void> {
  const seen = daemon.logs.length;
  await eventually(
    'the remedy is the file',
    () =>
      daemon.logs
        .slice(seen)
        .some(({ remedy }) => String(remedy).includes(`kubectl create -f ${PLACEHOLDERS}`)),
    RECOVERS_WITHIN_MS,
  );
}

async function bothThere(): Promise<boolean> {
  const both = await Promise.all([world.show('secret', SECRET), world.show('service', SERVICE)]);
  return both.every((each) => each !== undefined);
}

/** Once after each start of Consul: the leaf queries of 1.8 see no second one (consul PR #15005). */
async function rotates(): Promise<void> {
  const before = await world.read(SECRET, 'tls.crt');
  await world.consul.rotateRoot();
  const renewed = async () => ![before, ''].includes(await world.read(SECRET, 'tls.crt'));
  await eventually('the new leaf', renewed, NEW_LEAF_WITHIN_MS);
}

/** By kubectl's own way, by server-side apply, by replacement, and as Flux and Argo CD do it. */
async function leavesPublished(target: readonly string[]): Promise<void> {
  const before = await world.show('secret', SECRET);
  assert.ok(before?.data['tls.key'], 'an identity is published');
  const built = target[0] === '-k' ? await world.kubectl(['kustomize', ...target.slice(1)]) : undefined;
  const file = built === undefined ? target : ['-f', '-'];
  for (const how of [
    ['apply'],
    ['apply', '--server-side', '--force-conflicts'],
    ['replace'],
    ['apply', '--server-side', '--force-conflicts', '--field-manager=kustomize-controller'],
    ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller'],
  ])
    await world.kubectl([...how, ...file], built);

  assert.deepEqual(await world.show('secret', SECRET), before);
}

async function check(): Promise<Report> {
  return Report.of(startDaemon(await world.environment(), ['check', '--json']));
}
