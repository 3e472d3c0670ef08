import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { temporary } from '../../e2e/support/temporary.ts';
import { makeHelm } from '../../fixtures/servers/helm.ts';
import type { KubernetesObject } from '../pod-spec.ts';

export const CHART = fileURLToPath(new URL('../../../charts/ambassador-consul-connector', import.meta.url));

export const helmAlone = makeHelm(temporary());

export function objectsIn(manifest: string): KubernetesObject[] {
  return parseAllDocuments(manifest)
    .map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS();
    })
    .filter((object) => object !== null);
}

/** `helm template` without a cluster, and without the Pod of `helm test`, which is not part of the release. */
export async function render(values: object, ...flags: readonly string[]): Promise<KubernetesObject[]> {
  const args = ['template', 'ambassador-consul-connector', CHART, '--namespace=ambassador', '--skip-tests'];
  const { code, stdout, stderr } = await helmAlone([...args, ...flags], values);
  assert.equal(code, 0, stderr);
  return objectsIn(stdout);
}

/** By kind and name. Lists that Kubernetes merges by name are sorted by name, because their order has no effect. */
export function inOrder(objects: readonly KubernetesObject[]): unknown {
  const id = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  const ids = objects.map(id);
  assert.deepEqual(ids, [...new Set(ids)], 'each object once');
  return Object.fromEntries(objects.map((object) => [id(object), sorted(object)]).sort());
}

function sorted(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ['env', 'volumes', 'volumeMounts'].includes(key) && Array.isArray(inner)
        ? inner.toSorted((one, other) => (one.name < other.name ? -1 : 1))
        : inner,
    ),
  );
}
