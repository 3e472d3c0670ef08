import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { httpRequest } from '../fixtures/servers/http.ts';
import { startWebhook } from '../fixtures/servers/webhook.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const ADMISSION = 'admissionregistration.k8s.io/v1';
const FLOW_CONTROL = 'flowcontrol.apiserver.k8s.io/v1';
const POLICY = 'no-identities';
const FLOW = 'seats.example.com';
const SERIAL = 'ambassador-consul-connector/serial-number';
const EMPTY_TLS = { type: 'kubernetes.io/tls', data: { 'tls.crt': '', 'tls.key': '' } };

const world = useWorld();

test('T7: a ValidatingAdmissionPolicy denies the Secret: the error has its name and message, the remedy names it, and publishing recovers afterwards', async (t) => {
  const lift = await putPolicy('Deny');
  t.after(lift);
  const daemon = await world.startDaemon(t);
  const { error, remedy } = await daemon.line('publishing failed, retrying');
  assert.match(
    String(error),
    /ValidatingAdmissionPolicy 'no-identities' .* denied request: not before Monday/,
  );
  assert.match(String(remedy), /kubectl get validatingadmissionpolicy no-identities -o yaml/);
  await daemon.unready(/not before Monday/);

  await lift();

  await daemon.ready();
});

test('T7: a ValidatingAdmissionPolicy warns: the Secret is written, and the warning is logged once', async (t) => {
  t.after(await putPolicy('Warn'));
  const daemon = await world.startReady(t);
  await world.kubectl(['delete', 'secret', SECRET]);
  await eventually('it is written again', () => world.show('secret', SECRET));
  await world.kubectl(['annotate', 'secret', SECRET, `${SERIAL}=0`, '--overwrite']);
  await eventually('it is repaired', async () => (await world.annotation('secret', SECRET, SERIAL)) !== '0');

  const warnings = daemon.logs.filter(({ msg }) => msg === 'the API server warns');
  assert.deepEqual(
    warnings.map(({ object }) => object),
    [`secrets ${NAMESPACE}/${SECRET}`],
  );
  assert.match(String(warnings[0]?.['warning']), /no-identities.*not before Monday/);
});

test('Pod Security `restricted`: manifest and overlay for OpenShift are applied without a warning, and the Pod is admitted', async () => {
  const level = ['enforce', 'warn', 'audit'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await world.kubectl(['label', 'namespace', NAMESPACE, ...level]);
  const manifest = await readFile(world.manifest, 'utf8');
  for (const text of [await world.kubectl(['kustomize', `${world.k8s}/overlays/openshift`]), manifest]) {
    const apply = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
    const { code, stderr } = await world.kubernetes.kubectl(apply, text);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  }

  const deployment = parseAllDocuments(manifest).find((each) => each.get('kind') === 'Deployment');
  const { metadata, spec } = deployment?.toJS().spec.template ?? assert.fail('there is a Deployment');
  const create = (pod: object) =>
    world.kubernetes.kubectl(
      ['-n', NAMESPACE, 'create', '--dry-run=server', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'admitted' }, ...pod }),
    );
  assert.deepEqual((await create({ spec })).stderr, '');
  const refused = await create({ spec: { ...spec, hostNetwork: true } });
  assert.match(refused.stderr, /violates PodSecurity "restricted:latest": host namespaces/);
});

test('API priority and fairness: a 429 has a cause and a remedy, its Retry-After is followed, and publishing recovers', async (t) => {
  const allow = await takeTheOnlySeat();
  t.after(allow);
  const daemon = await world.startDaemon(t, EACH_ATTEMPT);
  const { remedy, retryMs } = await daemon.line(({ error }) => /too many requests/i.test(String(error)));
  assert.match(String(remedy), /overloaded/);
  assert.ok(Number(retryMs) >= 1_000, 'its Retry-After is 1 s');
  await daemon.line(({ attempt }) => Number(attempt) >= 2);

  await allow();

  await daemon.ready();
});

/** Adds a policy that our Secret violates. Returns the function that removes it. */
async function putPolicy(action: 'Deny' | 'Warn'): Promise<() => Promise<unknown>> {
  await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
  const metadata = { name: POLICY };
  const secrets = { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] };
  await world.create(
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        matchConstraints: { resourceRules: [{ ...secrets, operations: ['CREATE', 'UPDATE'] }] },
        validations: [{ expression: "object.type != 'kubernetes.io/tls'", message: 'not before Monday' }],
      },
    },
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: POLICY, validationActions: [action] },
    },
  );
  const probe = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe' }, ...EMPTY_TLS };
  const create = ['-n', NAMESPACE, 'create', '--dry-run=server', '-f', '-'];
  await eventually('the policy is in force', async () => {
    const { stderr } = await world.kubernetes.kubectl(create, JSON.stringify(probe));
    return stderr.includes('not before Monday');
  });
  const kinds = 'validatingadmissionpolicies,validatingadmissionpolicybindings';
  return () => world.kubectl(['delete', '--ignore-not-found', kinds, POLICY]);
}

/**
 * Limits the connector's ServiceAccount to one request at a time, and keeps one in flight. Returns the function that ends
 * this.
 */
async function takeTheOnlySeat(): Promise<() => Promise<unknown>> {
  const subjects = [{ kind: 'ServiceAccount', serviceAccount: { name: SERVICE, namespace: NAMESPACE } }];
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
  const limited = { nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0 };
  const [freed, seated] = [new AbortController(), new AbortController()];
  const webhook = await startWebhook(FLOW, async () => {
    seated.abort();
    await once(freed.signal, 'abort');
    return { allowed: true };
  });
  await world.create(
    {
      apiVersion: FLOW_CONTROL,
      kind: 'PriorityLevelConfiguration',
      metadata: { name: FLOW },
      spec: { type: 'Limited', limited: { ...limited, limitResponse: { type: 'Reject' } } },
    },
    {
      apiVersion: FLOW_CONTROL,
      kind: 'FlowSchema',
      metadata: { name: FLOW },
      spec: {
        priorityLevelConfiguration: { name: FLOW },
        matchingPrecedence: 2,
        rules: [{ subjects, resourceRules: [everything] }],
      },
    },
    webhook.configuration,
  );
  const uid = await world.kubectl(['get', 'flowschema', FLOW, '-o', 'jsonpath={.metadata.uid}']);
  const { url, caPem: ca } = world.kubernetes;
  const headers = { authorization: `Bearer ${await world.kubernetes.tokenFor(NAMESPACE, SERVICE)}` };
  const secrets = `${url}/api/v1/namespaces/${NAMESPACE}/secrets`;
  // Not by kubectl: it would wait for each Retry-After itself.
  const read = () => httpRequest(`${secrets}?fieldSelector=metadata.name=${SECRET}`, { ca, headers });
  await eventually('the limit holds', async () => {
    return (await read()).headers['x-kubernetes-pf-flowschema-uid'] === uid;
  });
  const create = { ca, method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
  // The connector's own policy accepts it, so that it reaches the webhook.
  const body = JSON.stringify({ metadata: { name: SECRET }, ...EMPTY_TLS });
  let answer: Promise<unknown> = Promise.resolve();
  await eventually('the seat is taken', async () => {
    answer = httpRequest(`${secrets}?dryRun=All`, { ...create, body });
    // Until the webhook is in force, the answer arrives at once.
    await Promise.race([answer, once(seated.signal, 'abort')]);
    return seated.signal.aborted;
  });
  assert.equal((await read()).status, 429);
  return async () => {
    freed.abort();
    await answer;
    await world.kubectl(['delete', '--ignore-not-found', 'validatingwebhookconfiguration', FLOW]);
    await world.kubectl(['delete', '--ignore-not-found', 'flowschema,prioritylevelconfiguration', FLOW]);
    webhook.close();
  };
}
