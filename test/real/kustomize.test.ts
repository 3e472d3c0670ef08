import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { temporary } from '../e2e/support/temporary.ts';
import { FILES, readPage } from '../unit/docs/pages.ts';
import { objectsIn } from './helm/chart.ts';
import { kustomize } from './manifests.ts';
import type { KubernetesObject } from './pod-spec.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TRANSFORMER = 'k8s/transformers/namespace';
const kustomizations = FILES.filter((file) => /^k8s\/.*kustomization\.yaml$/.test(file));
/** Without the components. */
const folders = kustomizations
  .filter((file) => parse(readPage(file)).kind === 'Kustomization')
  .map(dirname)
  .filter((folder) => folder !== TRANSFORMER);

/** The cluster-scoped kinds. */
const POLICY: readonly string[] = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];

const IMAGE = 'registry.example.com/ambassador-consul-connector';

function isConnector({ kind, metadata }: KubernetesObject): boolean {
  return kind === 'Deployment' && metadata.name.startsWith('ambassador-consul-connector');
}

/** A kustomization beside the clone, as in README.md, for the namespace `gateways`. */
function ofUser(base: string, components: readonly string[] = []): string {
  const folder = join(temporary(), 'connector');
  mkdirSync(folder);
  const from = (path: string): string => relative(folder, join(ROOT, path));
  const kustomization = {
    namespace: 'gateways',
    resources: [from(base)],
    components: components.map(from),
    transformers: [from(TRANSFORMER)],
    images: [{ name: 'ambassador-consul-connector', newName: IMAGE }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return folder;
}

for (const folder of folders) {
  test(`kubectl builds ${folder}: each object once, in a namespace unless it is the policy, and with the variables of the base`, async () => {
    const objects = objectsIn(await kustomize(folder));

    const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    assert.ok(ids.length > 0);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const { kind, metadata } of objects)
      assert.equal(metadata.namespace === undefined, POLICY.includes(kind), metadata.name);
    const connectors = objects.filter(isConnector);
    if (/^k8s\/examples\/(ingress-nginx|traefik|emissary)$/.test(folder)) {
      const deployment = JSON.stringify(connectors);
      assert.match(deployment, /"name":"_AMBASSADOR_SERVICE_ENABLED","value":"false"/);
      assert.ok(!objects.some(({ kind }) => kind === 'Service'));
    }
    for (const { spec } of connectors)
      assert.match(JSON.stringify(spec), /"name":"_CONSUL_HOST"/, 'a variable of the base stays');
  });
}

for (const [base, policies, suffix] of [
  ['k8s', 2, ''],
  ['k8s/overlays/emissary', 2, ''],
  ['k8s/overlays/verify-upstream', 2, ''],
  ['k8s/overlays/edge', 2, '-edge'],
  ['k8s/overlays/no-create', 0, ''],
  ['k8s/examples/consul-k8s', 2, ''],
  ['k8s/examples/init-check', 2, ''],
] as const) {
  test(`a kustomization on ${base} moves all objects to another namespace, the policy too, and changes each image`, async () => {
    const objects = objectsIn(await kustomize(ofUser(base)));

    const account = `ambassador-consul-connector${suffix}`;
    for (const { kind, metadata, spec } of objects) {
      const isPolicy = POLICY.includes(kind);
      assert.equal(metadata.namespace, isPolicy ? undefined : 'gateways', kind);
      if (isPolicy) assert.equal(metadata.name, `gateways.${account}`);
      const written = JSON.stringify(spec ?? '');
      if (kind === 'ValidatingAdmissionPolicy')
        assert.ok(written.includes(`== 'system:serviceaccount:gateways:${account}'`), written);
      if (kind === 'ValidatingAdmissionPolicyBinding')
        assert.ok(written.includes(`"policyName":"gateways.${account}"`), written);
      for (const [, image] of written.matchAll(/"image":"([^"]*)"/g))
        assert.match(image ?? '', new RegExp(`^${IMAGE}:`));
    }
    assert.equal(objects.filter(({ kind }) => POLICY.includes(kind)).length, policies);
  });
}

for (const base of ['k8s', 'k8s/examples/consul-k8s', 'k8s/examples/token-in-a-secret']) {
  test(`with the component for OpenShift ${base} leaves only user and groups to the platform`, async () => {
    const before = await kustomize(ofUser(base));
    const built = await kustomize(ofUser(base, ['k8s/components/openshift']));

    const chosen = /^ *(?:runAsUser|runAsGroup|fsGroup): 65532\n/gm;
    assert.match(before, chosen);
    assert.equal(built, before.replaceAll(chosen, ''));
    assert.match(built, /runAsNonRoot: true/);
  });
}
