import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { startDaemon } from '../e2e/support/daemon.ts';
import { EACH_ATTEMPT } from '../e2e/support/each-attempt.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { ask } from '../fixtures/servers/http.ts';
import { startWebhook } from '../fixtures/servers/webhook.ts';
import { NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const ADMISSION = 'admissionregistration.k8s.io/v1';
const FLOW_CONTROL = 'flowcontrol.apiserver.k8s.io/v1';
const POLICY = 'no-identities';
const FLOW = 'seats.example.com';
/** The longest backoff of the publishing loop, and room. */
const RECOVERS_WITHIN_MS = 45_000;

const world = useWorld();

test('T7: a ValidatingAdmissionPolicy denies the Secret: the error has its name and message, the remedy names it, and publishing recovers', async () => {
  const lift = await putPolicy('Deny');
  const daemon = startDaemon(await world.environment());
  try {
    const { error, remedy } = await daemon.line(({ msg }) => msg === 'publishing failed, retrying');
    assert.match(
      String(error),
      /ValidatingAdmissionPolicy 'no-identities' .* denied request: not before Monday/,
    );
    assert.match(String(remedy), /kubectl get validatingadmissionpolicy no-identities -o yaml/);
    await daemon.unready(/not before Monday/);

    await lift();

    await daemon.ready(RECOVERS_WITHIN_MS);
  } finally {
    await daemon.stop();
    await lift();
  }
});

test('T7: a ValidatingAdmissionPolicy warns: each object is written, and the warning logged once', async () => {
  const lift = await putPolicy('Warn');
  const daemon = startDaemon(await world.environment());
  try {
    await daemon.ready();
    await world.kubectl(['delete', 'secret', SECRET]);
    await eventually('it is written again', async () => (await world.show('secret', SECRET)) !== undefined);
    await world.kubectl([
      'annotate',
      'secret',
      SECRET,
      'ambassador-consul-connector/serial-number=0',
      '--overwrite',
    ]);
    await eventually(
      'it is repaired',
      async () =>
        (await world.show('secret', SECRET))?.metadata.annotations[
          'ambassador-consul-connector/serial-number'
        ] !== '0',
    );

    const warnings = daemon.logs.filter(({ msg }) => msg === 'the API server warns');
    assert.deepEqual(
      warnings.map(({ object }) => object),
      [`secrets ${NAMESPACE}/${SECRET}`],
    );
    assert.match(String(warnings[0]?.['warning']), /no-identities.*not before Monday/);
  } finally {
    await daemon.stop();
    await lift();
  }
});

test('Pod Security `restricted`: the manifest is applied without a warning, and its Pod is admitted', async () => {
  const level = ['enforce', 'warn', 'audit'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
  await world.kubectl(['label', 'namespace', NAMESPACE, ...level]);
  const manifest = await readFile(world.manifest, 'utf8');

  const { code, stderr } = await world.kubernetes.kubectl(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    manifest,
  );

  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const deployment = parseAllDocuments(manifest).find((each) => each.get('kind') === 'Deployment');
  const { metadata, spec } = deployment?.toJS().spec.template ?? assert.fail('there is a Deployment');
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'admitted' }, spec };
  await world.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
  const unsafe = { ...pod, spec: { ...spec, hostNetwork: true } };
  const refused = await world.kubernetes.kubectl(
    ['-n', NAMESPACE, 'create', '-f', '-'],
    JSON.stringify(unsafe),
  );
  assert.match(refused.stderr, /violates PodSecurity "restricted:latest": host namespaces/);
});

test('API priority and fairness: a 429 has a cause and a remedy, its Retry-After is kept, and publishing recovers', async () => {
  const allow = await takeTheOnlySeat();
  const daemon = startDaemon({ ...(await world.environment()), ...EACH_ATTEMPT });
  try {
    const { remedy, retryMs } = await daemon.line(({ error }) => /too many requests/i.test(String(error)));
    assert.match(String(remedy), /overloaded/);
    assert.ok(Number(retryMs) >= 1_000, 'its Retry-After is 1 s');
    await daemon.line(({ attempt }) => Number(attempt) >= 2);

    await allow();

    await daemon.ready(RECOVERS_WITHIN_MS);
  } finally {
    await daemon.stop();
    await allow();
  }
});

/** Adds a policy that our Secret violates. Returns what removes it. */
async function putPolicy(action: 'Deny' | 'Warn'): Promise<() => Promise<unknown>> {
  await world.kubectl(['delete', '--ignore-not-found', 'secret', SECRET]);
  const objects = [
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: POLICY },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['secrets'],
            },
          ],
        },
        validations: [{ expression: "object.type != 'kubernetes.io/tls'", message: 'not before Monday' }],
      },
    },
    {
      apiVersion: ADMISSION,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: POLICY },
      spec: { policyName: POLICY, validationActions: [action] },
    },
  ];
  for (const each of objects) await world.kubectl(['create', '-f', '-'], JSON.stringify(each));
  const probe = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'probe' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': '', 'tls.key': '' },
  };
  await eventually('the policy is in force', async () => {
    const { stderr } = await world.kubernetes.kubectl(
      ['-n', NAMESPACE, 'create', '--dry-run=server', '-f', '-'],
      JSON.stringify(probe),
    );
    return stderr.includes('not before Monday');
  });
  return () =>
    world.kubectl([
      'delete',
      '--ignore-not-found',
      'validatingadmissionpolicy,validatingadmissionpolicybinding',
      POLICY,
    ]);
}

/** Limits the connector's ServiceAccount to one request at a time, and keeps one in flight. Returns what ends that. */
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
  const objects = [
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
  ];
  for (const each of objects) await world.kubectl(['create', '-f', '-'], JSON.stringify(each));
  const uid = await world.kubectl(['get', 'flowschema', FLOW, '-o', 'jsonpath={.metadata.uid}']);
  const { url, caPem: ca } = world.kubernetes;
  const headers = { authorization: `Bearer ${await world.kubernetes.tokenFor(NAMESPACE, SERVICE)}` };
  const secrets = `${url}/api/v1/namespaces/${NAMESPACE}/secrets`;
  // Not by kubectl: it would wait for each Retry-After itself.
  const read = () => ask(`${secrets}?fieldSelector=metadata.name=${SECRET}`, { ca, headers });
  await eventually('the limit holds', async () => {
    return (await read()).headers['x-kubernetes-pf-flowschema-uid'] === uid;
  });
  const create = { ca, method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
  // One that the connector's own policy lets through to the webhook.
  const data = { 'tls.crt': '', 'tls.key': '' };
  const body = JSON.stringify({ metadata: { name: SECRET }, type: 'kubernetes.io/tls', data });
  let answer: Promise<unknown> = Promise.resolve();
  await eventually('the seat is taken', async () => {
    answer = ask(`${secrets}?dryRun=All`, { ...create, body });
    // Until the webhook is in force, it is answered at once.
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
