import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Daemon } from '../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { httpRequest } from '../fixtures/servers/http.ts';
import {
  type Attempt,
  CHANGES,
  CREATIONS,
  dry,
  FOREIGN,
  FOREIGN_ANNOTATION,
  LOAD_BALANCER,
  tokenSecret,
} from './attacks.ts';
import { CONFIG, mustKubectl, NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const POLICY = `${NAMESPACE}.${SERVICE}`;
const DENIED = new RegExp(`ValidatingAdmissionPolicy '${POLICY}' with binding '${POLICY}' denied request`);
/** The message of the authorizer. */
const NO_RIGHT = /cannot \w+ resource|forbidden/;
const PLACEHOLDERS = 'k8s/overlays/no-create/placeholders.yaml';

const world = useWorld({ persistent: true }, async () => {
  await world.kubectl(['create', 'serviceaccount', 'victim']);
  await world.kubectl(['create', 'secret', 'generic', 'foreign']);
  const [probe = assert.fail()] = CREATIONS;
  const isDenied = async () => (await attempt(dry(probe))).status === 403;
  await eventually('the policy is in force', isDenied);
});

for (const attack of CREATIONS)
  test(`S1: the policy refuses to create ${attack.what}`, () => assertStatus(attack, 403, DENIED));

test('S1: list, get and patch of any object but its own, and get and delete of its own, are forbidden', async () => {
  for (const attack of FOREIGN) await assertStatus(attack, 403, NO_RIGHT);
});

test('S1: the policy allows what the daemon does: first start, repair and rotation', async (t) => {
  await assertMayDoItsWork(t);
  const { detail = '' } = (await world.check()).row('creation') ?? {};
  assert.match(detail, new RegExp(`ValidatingAdmissionPolicy ${POLICY}$`));
});

for (const attack of CHANGES)
  test(`S1: the policy refuses to give its Service ${attack.what}`, async () => {
    const before = await world.show('service', SERVICE);

    await assertStatus(attack, 403, DENIED);
    assert.deepEqual(await world.show('service', SERVICE), before);
  });

test('S1: its Service may not become a load balancer, nor its Secret get the annotation of another controller', async () => {
  await assertStatus(LOAD_BALANCER, 422);
  await assertStatus(FOREIGN_ANNOTATION, 403, DENIED);
});

test('S1: the policy allows the daemon to adopt the Service of another writer, and to restore its annotation', async (t) => {
  await world.deletePublished();
  const context = `apiVersion: ambassador/v1\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ${SECRET}\n`;
  const annotations = { [CONFIG]: context, 'prometheus.io/scrape': 'true' };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: SERVICE, annotations },
    spec: {
      type: 'LoadBalancer',
      externalIPs: ['192.0.2.7'],
      selector: { service: 'old' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  };
  await world.kubectl(['apply', '-f', '-'], JSON.stringify(service));
  const daemon = await world.startReady(t);
  const isOurs = async () => /^---\n/.test((await world.annotation('service', SERVICE, CONFIG)) ?? '');
  await eventually('the annotation', isOurs);
  const adopted = await daemon.line('adopted an existing object');
  assert.equal(adopted['object'], `services ${NAMESPACE}/${SERVICE}`);
  await world.kubectl(['annotate', '--overwrite', 'service', SERVICE, `${CONFIG}=spoilt`]);
  await eventually('the annotation again', isOurs);

  assertAllowed(daemon);
  const spec = ['-o', 'jsonpath={.spec.type} {.spec.externalIPs}'];
  const kept = await world.kubectl(['get', 'service', SERVICE, ...spec]);
  assert.equal(kept, 'LoadBalancer ["192.0.2.7"]', 'the fields of the other writer are unchanged');
  await daemon.stop();
});

test('S1: applied again in any way, the manifest does not change what is published', () =>
  leavesPublished(['-f', world.manifest]));

test('S1: in the namespace `emissary` the policy is for the ServiceAccount of that namespace', async () => {
  await world.kubectl(['create', 'namespace', 'emissary']);
  await mustKubectl(world.kubernetes, ['apply', '-k', 'k8s/overlays/emissary']);
  const as = ['-n', 'emissary', `--as=system:serviceaccount:emissary:${SERVICE}`];
  const create = (name: string, ...args: readonly string[]) =>
    world.kubernetes.kubectl([...as, 'create', 'secret', 'generic', name, '--dry-run=server', ...args]);

  const refusal = await eventually('the policy is in force', async () => {
    const { code, stderr } = await create('another');
    return code !== 0 && stderr;
  });

  const denial = `ValidatingAdmissionPolicy 'emissary.${SERVICE}' .* may write no Secret but its own`;
  assert.match(refusal, new RegExp(denial));
  const tls = ['--type=kubernetes.io/tls', '--from-literal=tls.crt=', '--from-literal=tls.key='];
  const own = await create(SECRET, ...tls);
  assert.equal(own.code, 0, own.stderr);
});

test('no-create: with its token every creation and every access to other objects is forbidden', async () => {
  await world.kubectl(['delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', POLICY]);
  await world.deletePublished();
  await world.kubectl(['apply', '-k', 'k8s/overlays/no-create']);

  for (const attack of [...CREATIONS, ...FOREIGN]) await assertStatus(attack, 403, NO_RIGHT);
});

test('no-create: nothing is created; the remedy of the error names the file with the placeholders, which are enough', async (t) => {
  await world.consul.restart({ wipe: true });
  const daemon = await world.startDaemon(t, EACH_ATTEMPT);
  await remedyIsTheFile(daemon);
  await world.kubectl(['create', '-f', PLACEHOLDERS]);
  await daemon.ready();
  await rotates();

  await world.kubectl(['delete', 'secret', SECRET]);
  await remedyIsTheFile(daemon);
  assert.equal(await world.show('secret', SECRET), undefined, 'the Secret is not created');
  const again = await world.kubernetes.kubectl(['create', '-f', PLACEHOLDERS]);
  assert.match(again.stderr, /services "ambassador-consul-connector" already exists/);
  await daemon.ready();
  await eventually('the key', async () => (await world.read(SECRET, 'tls.key')).includes('PRIVATE KEY'));
  await daemon.stop();

  const report = await world.check();
  assert.deepEqual(report.notPassed, []);
  assert.match(report.row('creation')?.detail ?? '', /^nothing may be created/);
});

test('no-create: applied again in any way, overlay and placeholders do not change what is published', async () => {
  await leavesPublished(['-k', 'k8s/overlays/no-create']);
  const before = await world.show('secret', SECRET);
  const { code, stderr } = await world.kubernetes.kubectl(['create', '-f', PLACEHOLDERS]);
  assert.equal(code, 1);
  assert.match(stderr, /secrets "ambassador-consul-connect" already exists/);
  assert.deepEqual(await world.show('secret', SECRET), before);
});

test('no-create does not prevent any change of its Service', async () => {
  for (const attack of CHANGES) await assertStatus(dry(attack), 200);
});

test('before-1.30 does not prevent the creation of any Secret and Service, nor reading the token of another ServiceAccount', async () => {
  await world.kubectl(['apply', '-k', 'k8s/overlays/before-1.30']);
  await world.deletePublished();
  for (const attack of CREATIONS) await assertStatus(dry(attack), 201);

  const own = { method: 'POST', path: 'secrets', body: tokenSecret({ name: SECRET }) } as const;
  await assertStatus({ what: 'step one', ...own }, 201);
  const listed = { method: 'GET', path: `secrets?fieldSelector=metadata.name%3D${SECRET}` } as const;
  const victim = /"kubernetes.io\/service-account.name":"victim"/;
  await assertStatus({ what: 'step two', ...listed }, 200, victim);
  for (const attack of FOREIGN) await assertStatus(attack, 403, NO_RIGHT);
  await world.kubectl(['delete', `secret/${SECRET}`]);
});

test('before-1.30: check warns that create is not limited, and what the daemon does is allowed', async (t) => {
  await world.consul.restart({ wipe: true });
  const { notPassed } = await world.check();
  const [creation] = notPassed;
  assert.deepEqual([creation?.check, creation?.status], ['creation', 'warn'], JSON.stringify(notPassed));
  assert.match(creation?.remedy ?? '', /k8s\/overlays\/no-create/);
  await assertMayDoItsWork(t);
  await leavesPublished(['-k', 'k8s/overlays/before-1.30']);
});

/** Sends it with the token of the connector. */
async function attempt({ method, path, type = 'application/json', body }: Attempt) {
  const { url, caPem: ca } = world.kubernetes;
  const token = await world.kubernetes.tokenFor(NAMESPACE, SERVICE);
  const { status, body: message } = await httpRequest(`${url}/api/v1/namespaces/${NAMESPACE}/${path}`, {
    ca,
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status, message };
}

async function assertStatus(attack: Attempt, expected: number, words = /./): Promise<void> {
  const { status, message } = await attempt(attack);
  assert.equal(status, expected, `${attack.what}: ${message}`);
  assert.match(message, words);
}

/** A first start, a repair of both objects and a rotation, none of which is refused. */
async function assertMayDoItsWork(t: TestContext): Promise<void> {
  const daemon = await world.startReady(t);
  await world.deletePublished();
  await eventually('both are back', async () => {
    return (await world.show('secret', SECRET)) && (await world.show('service', SERVICE));
  });
  await rotates();
  await daemon.stop();
  assertAllowed(daemon);
}

/** No request of the daemon was refused. */
function assertAllowed({ logs }: Daemon): void {
  const refused = logs.filter(
    ({ code, msg }) =>
      /^KUBERNETES_(FORBIDDEN|REJECTED)$/.test(String(code)) || msg === 'writing an Event failed',
  );
  assert.deepEqual(refused, []);
}

async function remedyIsTheFile(daemon: Daemon): Promise<void> {
  const seen = daemon.logs.length;
  const named = () =>
    daemon.logs
      .slice(seen)
      .some(({ remedy }) => String(remedy).includes(`kubectl create -f ${PLACEHOLDERS}`));
  await eventually('the remedy is the file', named);
}

/** Works once after each start of Consul: the leaf queries of 1.8 miss a second rotation (consul PR #15005). */
async function rotates(): Promise<void> {
  const before = await world.read(SECRET, 'tls.crt');
  await world.consul.rotateRoot();
  const renewed = async () => ![before, ''].includes(await world.read(SECRET, 'tls.crt'));
  await eventually('the new leaf', renewed);
}

/** Applies in each way that kubectl has, and as Flux and Argo CD do. */
async function leavesPublished(target: readonly string[]): Promise<void> {
  const before = await world.show('secret', SECRET);
  assert.ok(before?.data['tls.key'], 'an identity is published');
  const built = target[0] === '-k' ? await world.kubectl(['kustomize', ...target.slice(1)]) : undefined;
  const file = built === undefined ? target : ['-f', '-'];
  const serverSide = ['apply', '--server-side', '--force-conflicts'];
  for (const how of [
    ['apply'],
    serverSide,
    ['replace'],
    [...serverSide, '--field-manager=kustomize-controller'],
    [...serverSide, '--field-manager=argocd-controller'],
  ])
    await world.kubectl([...how, ...file], built);

  assert.deepEqual(await world.show('secret', SECRET), before);
}
