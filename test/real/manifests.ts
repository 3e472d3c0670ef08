import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporary } from '../e2e/support/temporary.ts';
import { binary } from '../fixtures/servers/binaries.ts';

const K8S = fileURLToPath(new URL('../../k8s', import.meta.url));
const CONNECTOR = 'ambassador-consul-connector.yaml';
const POLICIES = 'validatingadmissionpolicies.admissionregistration.k8s.io';

/** kubectl; fails when kubectl fails. */
type Kubectl = (args: readonly string[]) => Promise<string>;

/** The manifest for another namespace, as by k8s/transformers/namespace. */
export function inNamespace(manifest: string, namespace: string): string {
  return manifest
    .replaceAll(/namespace: ambassador$/gm, `namespace: ${namespace}`)
    .replaceAll(/\bambassador([.:])ambassador-/g, `${namespace}$1ambassador-`);
}

/** The folder `k8s/` for this API server: itself, or before Kubernetes 1.30 a copy based on the overlay `before-1.30`. */
export async function k8sFor(kubectl: Kubectl): Promise<string> {
  if (await hasPolicies(kubectl)) return K8S;
  const copy = join(temporary(), 'k8s');
  cpSync(K8S, copy, { recursive: true });
  writeFileSync(join(copy, CONNECTOR), await kubectl(['kustomize', join(copy, 'overlays/before-1.30')]));
  const files = readdirSync(copy, { encoding: 'utf8', recursive: true });
  for (const file of files.filter((each) => /^(overlays|examples)\/.*kustomization\.yaml$/.test(each))) {
    if (/\/(before-1\.30|no-create)\//.test(file)) continue;
    const text = readFileSync(join(copy, file), 'utf8');
    writeFileSync(join(copy, file), text.replace(/- \.\.\/\.\.\/base$/m, '- ../../overlays/before-1.30'));
  }
  return copy;
}

/** The objects that kubectl builds from a folder, without a warning. The path is relative to the repository. */
export async function kustomize(folder: string): Promise<string> {
  const cwd = join(K8S, '..');
  const { stdout, stderr } = await promisify(execFile)(binary('KUBECTL'), ['kustomize', folder], { cwd });
  assert.equal(stderr, '', 'no field is deprecated');
  return stdout;
}

export async function hasPolicies(kubectl: Kubectl): Promise<boolean> {
  const kinds = await kubectl(['api-resources', '--api-group=admissionregistration.k8s.io', '-o', 'name']);
  return kinds.split('\n').includes(POLICIES);
}
