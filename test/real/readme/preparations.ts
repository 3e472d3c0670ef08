import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { addKind } from '../../fixtures/servers/custom-kinds.ts';
import { startHaproxy } from '../../fixtures/servers/gateway.ts';
import { ask } from '../../fixtures/servers/http.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import { startSidecar } from '../../fixtures/servers/sidecar.ts';
import { yamlBlocks } from '../../unit/docs/pages.ts';
import { NAMESPACE, SECRET, SERVICE } from '../world.ts';
import { type } from './shell.ts';
import type { Stage } from './stage.ts';

const MANIFEST = new URL('../../../k8s/ambassador-consul-connector.yaml', import.meta.url);
const REVIEWER = 'consul-token-review';

/** The namespace of Ambassador and the kinds it brings, as far as the pages name them. */
export async function installAmbassador(stage: Stage): Promise<void> {
  await stage.kubectl(['create', 'namespace', NAMESPACE]);
  const group = 'getambassador.io';
  for (const kind of ['Mapping', 'TLSContext', 'ConsulResolver'])
    await addKind(stage.kubectl, { group, kind, versions: ['v2', 'v3alpha1'] });
}

/** What README.md tells a person to write beside the clone. */
export function writeKustomization({ cwd }: Stage): void {
  const text = yamlBlocks('README.md').find((block) => /^kind: Kustomization$/m.test(block));
  const folder = join(cwd, '..', 'connector');
  mkdirSync(folder);
  writeFileSync(join(folder, 'kustomization.yaml'), text ?? assert.fail('README.md has no kustomization'));
}

/** The kinds of the Prometheus Operator that k8s/monitoring has. */
export async function installPrometheusOperator(stage: Stage): Promise<void> {
  const group = 'monitoring.coreos.com';
  await addKind(stage.kubectl, { group, kind: 'PodMonitor', versions: ['v1'] });
  await addKind(stage.kubectl, { group, kind: 'PrometheusRule', versions: ['v1'] });
}

/** From now on the shell is that of somebody with the token of another service, and a Role that lacks one verb. */
export async function mayDoLess(stage: Stage): Promise<void> {
  const { kubectl, kubernetes, strict, env } = stage;
  const [role] = parseAllDocuments(readFileSync(MANIFEST, 'utf8'))
    .map((document) => document.toJS())
    .filter(({ kind }) => kind === 'Role');
  for (const rule of role.rules)
    if (rule.resources.join() === 'secrets')
      rule.verbs = rule.verbs.filter((verb: string) => verb !== 'patch');
  role.metadata.name = 'less';
  await kubectl(['apply', '-f', '-'], JSON.stringify(role));
  await kubectl(['create', 'serviceaccount', 'less']);
  await kubectl(['create', 'rolebinding', 'less', '--role=less', `--serviceaccount=${NAMESPACE}:less`]);
  env['KUBECONFIG'] = await kubernetes.kubeconfigFor(NAMESPACE, 'less');
  env['_CONSUL_PORT'] = String(strict.address.port);
  env['CONSUL_HTTP_TOKEN'] = await tokenOf(strict, 'service "web" { policy = "write" }');
}

/** The shell of the administrator again. */
export function mayDoAll({ env, adminKubeconfig, consul }: Stage): void {
  env['KUBECONFIG'] = adminKubeconfig;
  env['_CONSUL_PORT'] = String(consul.address.port);
  delete env['CONSUL_HTTP_TOKEN'];
}

/** From now on `consul` in the shell is the administrator of a Consul with ACLs. */
export function administerConsul({ env, strict }: Stage): void {
  env['CONSUL_HTTP_ADDR'] = strict.url;
  env['CONSUL_HTTP_TOKEN'] = strict.managementToken ?? assert.fail('it has ACLs');
}

/** An auth method of type kubernetes, which asks this API server about tokens. */
export async function addAuthMethod({ kubectl, kubernetes, strict }: Stage, name: string): Promise<void> {
  // The binding has no namespace, so a second method finds both there.
  await kubectl(['apply', '-f', '-'], JSON.stringify(reviewer()));
  await strict.mustPut('/v1/acl/auth-method', {
    Name: name,
    Type: 'kubernetes',
    Config: {
      Host: kubernetes.url,
      CACert: kubernetes.caPem,
      ServiceAccountJWT: await kubernetes.tokenFor(NAMESPACE, REVIEWER),
    },
  });
}

function reviewer(): object {
  const account = { kind: 'ServiceAccount', name: REVIEWER, namespace: NAMESPACE };
  const bind = (name: string) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `${name}-for-consul` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [account],
  });
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: REVIEWER, namespace: NAMESPACE } },
      bind('system:auth-delegator'),
      // Consul also reads the ServiceAccount that logs in.
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: `${REVIEWER}-accounts` },
        rules: [{ apiGroups: [''], resources: ['serviceaccounts'], verbs: ['get'] }],
      },
      bind(`${REVIEWER}-accounts`),
    ],
  };
}

/** The CA with which one makes certificates by hand, in the folder where one is. */
export async function makeCa(stage: Stage): Promise<void> {
  const { code, stderr } = await type('consul tls ca create', stage);
  assert.equal(code, 0, stderr);
}

/** What consul-k8s leaves behind: its CA in a Secret, its auth method, and the binding rule for ServiceAccounts. */
export async function installConsulK8s(stage: Stage): Promise<void> {
  const { kubectl, strict } = stage;
  const { authority, caFile, serveWith } = strict.tls ?? assert.fail('it speaks HTTPS');
  await serveWith(await authority.issue('server', { names: 'DNS:server.dc1.consul,IP:127.0.0.1' }));
  await kubectl(['create', 'namespace', 'consul']);
  await kubectl([
    '-n',
    'consul',
    'create',
    'secret',
    'generic',
    'consul-ca-cert',
    `--from-file=tls.crt=${caFile}`,
  ]);
  await addAuthMethod(stage, 'consul-k8s-auth-method');
  await strict.mustPut('/v1/acl/binding-rule', {
    AuthMethod: 'consul-k8s-auth-method',
    BindType: 'service',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Consul fills it in, for each login.
    BindName: '${serviceaccount.name}',
  });
}

/** A request through HAProxy, which presents the published Secret to the sidecar of `qotm`, as the Mapping tells Ambassador to. */
export async function reachQotm({ consul, kubectl }: Stage): Promise<number> {
  const { data } = JSON.parse(await kubectl(['get', 'secret', SECRET, '-o', 'json']));
  const text = (key: string) => Buffer.from(data[key], 'base64').toString();
  const files = { certificate: text('tls.crt'), privateKey: text('tls.key'), bundle: undefined };
  const sidecar = await startSidecar(consul, 'qotm');
  const upstream = { name: 'qotm-consul-mtls', port: sidecar.publicPort, tlsName: '' };
  const gateway = await startHaproxy([upstream], files);
  try {
    return (await ask(`http://127.0.0.1:${gateway.port}/qotm-consul-mtls/`)).status;
  } finally {
    await gateway.stop();
    await sidecar.stop();
  }
}

/** What stands in the annotation of the published Secret. */
export async function publishedAs({ kubectl }: Stage): Promise<string> {
  const { metadata } = JSON.parse(await kubectl(['get', 'secret', SECRET, '-o', 'json']));
  return metadata.annotations[`${SERVICE}/spiffe-id`];
}

async function tokenOf(consul: RealConsul, rules: string): Promise<string> {
  const { ID } = await consul.mustPut<{ ID: string }>('/v1/acl/policy', { Name: 'another', Rules: rules });
  const { SecretID } = await consul.mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ ID }] });
  return SecretID;
}
