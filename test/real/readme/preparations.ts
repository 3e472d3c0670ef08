import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addKind } from '../../fixtures/servers/custom-kinds.ts';
import { startHaproxy } from '../../fixtures/servers/gateway.ts';
import { httpRequest } from '../../fixtures/servers/http.ts';
import { startSidecar } from '../../fixtures/servers/sidecar.ts';
import { yamlBlocks } from '../../unit/docs/pages.ts';
import { objectsIn } from '../helm/chart.ts';
import { NAMESPACE, SECRET, SERVICE } from '../world.ts';
import type { Stage } from './stage.ts';

const REVIEWER = 'consul-token-review';

/** The namespace of Ambassador, and those of its kinds that the pages name. */
export async function installAmbassador({ kubectl }: Stage): Promise<void> {
  await kubectl(['create', 'namespace', NAMESPACE]);
  const group = 'getambassador.io';
  for (const kind of ['Mapping', 'TLSContext', 'ConsulResolver'])
    await addKind(kubectl, { group, kind, versions: ['v2', 'v3alpha1'] });
}

/** The kustomization of README.md, beside the clone. */
export function writeKustomization({ cwd }: Stage): void {
  const text = yamlBlocks('README.md').find((block) => /^kind: Kustomization$/m.test(block));
  const folder = join(cwd, '..', 'connector');
  mkdirSync(folder);
  writeFileSync(join(folder, 'kustomization.yaml'), text ?? assert.fail('README.md has no kustomization'));
}

/** The kinds of the Prometheus Operator that k8s/monitoring has. */
export async function installPrometheusOperator({ kubectl }: Stage): Promise<void> {
  for (const kind of ['PodMonitor', 'PrometheusRule'])
    await addKind(kubectl, { group: 'monitoring.coreos.com', kind, versions: ['v1'] });
}

/** Gives the shell the token of another service, and a Role that lacks one verb. */
export async function mayDoLess({ cwd, kubectl, kubernetes, strict, env }: Stage): Promise<void> {
  const manifest = readFileSync(join(cwd, 'k8s', `${SERVICE}.yaml`), 'utf8');
  const role = objectsIn(manifest).find(({ kind }) => kind === 'Role') ?? assert.fail('there is no Role');
  const rules = role.rules?.map(({ verbs, ...rule }) =>
    rule.resources.includes('secrets')
      ? { ...rule, verbs: verbs.filter((verb) => verb !== 'patch') }
      : { ...rule, verbs },
  );
  const less = { ...role, rules, metadata: { ...role.metadata, name: 'less' } };
  await kubectl(['apply', '-f', '-'], JSON.stringify(less));
  await kubectl(['create', 'serviceaccount', 'less']);
  await kubectl(['create', 'rolebinding', 'less', '--role=less', `--serviceaccount=${NAMESPACE}:less`]);
  env['KUBECONFIG'] = await kubernetes.kubeconfigFor(NAMESPACE, 'less');
  env['_CONSUL_PORT'] = String(strict.address.port);
  env['CONSUL_HTTP_TOKEN'] = await strict.makeToken('service "web" { policy = "write" }');
}

/** Gives the shell the rights of the administrator again. */
export function mayDoAll({ env, adminKubeconfig, consul }: Stage): void {
  env['KUBECONFIG'] = adminKubeconfig;
  env['_CONSUL_PORT'] = String(consul.address.port);
  delete env['CONSUL_HTTP_TOKEN'];
}

/** Makes `consul` in the shell the administrator of a Consul with ACLs. */
export function administerConsul({ env, strict }: Stage): void {
  env['CONSUL_HTTP_ADDR'] = strict.url;
  env['CONSUL_HTTP_TOKEN'] = strict.managementToken ?? assert.fail('it has ACLs');
}

/** An auth method of type kubernetes, whose tokens this API server reviews. */
export async function addAuthMethod(stage: Stage, name: string): Promise<void> {
  const { kubectl, kubernetes, strict } = stage;
  const reviewer = await kubectl(['get', 'serviceaccount', REVIEWER, '--ignore-not-found', '-o', 'name']);
  if (reviewer === '') await addReviewer(stage);
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

/** The account of Consul, which reviews tokens and reads the ServiceAccount that logs in. */
async function addReviewer({ kubectl }: Stage): Promise<void> {
  await kubectl(['create', 'serviceaccount', REVIEWER]);
  await kubectl(['create', 'clusterrole', REVIEWER, '--verb=get', '--resource=serviceaccounts']);
  for (const role of ['system:auth-delegator', REVIEWER]) {
    const account = `--serviceaccount=${NAMESPACE}:${REVIEWER}`;
    await kubectl(['create', 'clusterrolebinding', `${role}-for-consul`, `--clusterrole=${role}`, account]);
  }
}

/** The objects of consul-k8s: its CA in a Secret, its auth method, and the binding rule for ServiceAccounts. */
export async function installConsulK8s(stage: Stage): Promise<void> {
  const { kubectl, strict } = stage;
  const { authority, caFile, serveWith } = strict.tls ?? assert.fail('it has an HTTPS port');
  await serveWith(await authority.issue('server', { names: 'DNS:server.dc1.consul,IP:127.0.0.1' }));
  await kubectl(['create', 'namespace', 'consul']);
  const secret = ['create', 'secret', 'generic', 'consul-ca-cert', `--from-file=tls.crt=${caFile}`];
  await kubectl(['--namespace=consul', ...secret]);
  await addAuthMethod(stage, 'consul-k8s-auth-method');
  await strict.mustPut('/v1/acl/binding-rule', {
    AuthMethod: 'consul-k8s-auth-method',
    BindType: 'service',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Consul replaces it, for each login.
    BindName: '${serviceaccount.name}',
  });
}

/** The status of a request to the sidecar of `qotm` through HAProxy with the published Secret, as Ambassador does by the Mapping. */
export async function reachQotm({ consul, kubectl }: Stage): Promise<number> {
  const { data } = JSON.parse(await kubectl(['get', 'secret', SECRET, '-o', 'json']));
  const text = (key: string) => Buffer.from(data[key], 'base64').toString();
  const files = { certificate: text('tls.crt'), privateKey: text('tls.key'), bundle: undefined };
  const sidecar = await startSidecar(consul, 'qotm');
  const upstream = { name: 'qotm-consul-mtls', port: sidecar.publicPort, tlsName: '' };
  const gateway = await startHaproxy([upstream], files);
  try {
    return (await httpRequest(`http://127.0.0.1:${gateway.port}/qotm-consul-mtls/`)).status;
  } finally {
    await gateway.stop();
    await sidecar.stop();
  }
}

/** The SPIFFE ID in the annotation of the published Secret. */
export async function publishedAs({ kubectl }: Stage): Promise<string> {
  const { metadata } = JSON.parse(await kubectl(['get', 'secret', SECRET, '-o', 'json']));
  return metadata.annotations[`${SERVICE}/spiffe-id`];
}
