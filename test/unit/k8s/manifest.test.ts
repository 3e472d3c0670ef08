import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };

const read = (path: string): Promise<string> =>
  readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('the base of the overlays is the manifest, byte for byte: kustomize rejects files above a base', async () => {
  assert.equal(
    await read('k8s/base/ambassador-consul-connector.yaml'),
    await read('k8s/ambassador-consul-connector.yaml'),
  );
});

test('the manifest holds a ServiceAccount, Role, RoleBinding and Deployment in one namespace, a policy named after both, and no Namespace', async () => {
  const documents = parseAllDocuments(await read('k8s/ambassador-consul-connector.yaml')).map((each) =>
    each.toJS(),
  );
  assert.deepEqual(
    documents.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`),
    [
      'ServiceAccount ambassador/ambassador-consul-connector',
      'ValidatingAdmissionPolicy /ambassador.ambassador-consul-connector',
      'ValidatingAdmissionPolicyBinding /ambassador.ambassador-consul-connector',
      ...['Role', 'RoleBinding', 'Deployment'].map(
        (kind) => `${kind} ambassador/ambassador-consul-connector`,
      ),
    ],
  );
});

test('the overlay of `internal` is that of `edge` with the name replaced, as its comment says', async () => {
  for (const file of [
    'kustomization.yaml',
    'deployment.yaml',
    'role.yaml',
    'policy.yaml',
    'policy-binding.yaml',
  ]) {
    const edge = await read(`k8s/overlays/edge/${file}`);
    const internal = await read(`k8s/overlays/internal/${file}`);
    assert.deepEqual(parse(internal), parse(edge.replaceAll('edge', 'internal')), file);
  }
});

test('the manifest runs the version of the package', async () => {
  assert.match(
    await read('k8s/ambassador-consul-connector.yaml'),
    new RegExp(`image: \\S+:${packageJson.version}\n`),
  );
});

test('the init container of the example is the container of the manifest, with another command', async () => {
  const deployment = parseAllDocuments(await read('k8s/ambassador-consul-connector.yaml'))
    .map((each) => each.toJS())
    .find(({ kind }) => kind === 'Deployment');
  const { image, env, resources, securityContext } = deployment.spec.template.spec.containers[0];
  const example = parse(await read('k8s/examples/init-check/deployment.yaml'));
  assert.deepEqual(example.spec.template.spec.initContainers, [
    { name: 'check', image, args: ['check'], env, resources, securityContext },
  ]);
});
