import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { binary } from '../fixtures/servers/binaries.ts';
import { FILES } from '../unit/docs/pages.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folders = FILES.filter((file) => /^k8s\/.*kustomization\.yaml$/.test(file)).map(dirname);

interface Built {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

async function build(folder: string): Promise<Built[]> {
  const { stdout } = await promisify(execFile)(binary('KUBECTL'), ['kustomize', folder], { cwd: ROOT });
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

for (const folder of folders) {
  test(`kubectl builds ${folder}: each object once, and in a namespace`, async () => {
    const objects = await build(folder);

    const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    assert.ok(ids.length > 0);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const { metadata } of objects) assert.ok(metadata.namespace, metadata.name);
  });
}

for (const [example, kinds] of [
  ['ingress-nginx', ['Ingress']],
  ['traefik', ['IngressRoute', 'ServersTransport']],
  ['emissary', ['ConsulResolver', 'Host', 'Listener', 'Mapping', 'TLSContext']],
] as const) {
  test(`k8s/examples/${example} is the connector without its Service, and what the gateway needs`, async () => {
    const [own, connector] = [kinds, ['Deployment', 'Role', 'RoleBinding', 'ServiceAccount']];
    const objects = await build(`k8s/examples/${example}`);

    assert.deepEqual(objects.map(({ kind }) => kind).sort(), [...connector, ...own].sort());
    const deployment = objects.find(({ kind }) => kind === 'Deployment');
    assert.match(JSON.stringify(deployment), /"name":"_AMBASSADOR_SERVICE_ENABLED","value":"false"/);
    assert.match(JSON.stringify(deployment), /"name":"_CONSUL_HOST"/, 'what the base has stays');
  });
}
