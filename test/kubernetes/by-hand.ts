import { withDefaults } from './admission.ts';
import { copy, withoutNulls } from './json.ts';
import type { Kind, KubeObject, Manifest } from './objects.ts';
import { resourceOf } from './objects.ts';
import { updated } from './ownership.ts';
import { ObjectStore } from './store.ts';

/** The cluster as tests, in the part of everybody else who works on it, see and change it: past the API, past its checks. */
export class ClusterByHand {
  protected readonly store = new ObjectStore();

  /** `missing` takes everything in it along; `Terminating` leaves it, and refuses new objects. */
  setNamespace(name: string, phase: 'Active' | 'Terminating' | 'missing'): void {
    if (phase === 'missing') {
      for (const kind of ['Secret', 'Service', 'Event'] as const) {
        for (const object of this.list(kind, name)) {
          this.remove(kind, name, object.metadata.name);
        }
      }
      this.remove('Namespace', '', name);
    } else {
      this.put({ kind: 'Namespace', metadata: { name }, status: { phase } }, 'kube-controller-manager');
    }
  }

  get(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    const object = this.store.read({ resource: resourceOf(kind), namespace, name });
    return object === undefined ? undefined : copy(object);
  }

  list(kind: Kind, namespace = ''): KubeObject[] {
    return copy(this.store.list(resourceOf(kind).plural, namespace));
  }

  /** Creates or replaces, by another manager, and past validation: any state a cluster can be found in can be put up. */
  put(manifest: Manifest, manager = 'kubectl-client-side-apply'): KubeObject {
    const resource = resourceOf(manifest.kind);
    const { name, namespace = 'ambassador' } = manifest.metadata;
    const key = { resource, namespace: resource.namespaced ? namespace : '', name };
    const live = this.store.owned(key);
    const full = withDefaults(manifest.kind, withoutNulls(manifest), live?.object);
    return copy(this.store.save(key, updated(live, full, manager)).object);
  }

  /**
   * Changes an object as `kubectl edit` does, past validation: `change` alters the copy it gets.
   * @throws Error when there is no such object
   */
  edit(
    kind: Kind,
    namespace: string,
    name: string,
    change: (object: KubeObject) => void,
    manager = 'kubectl-edit',
  ): KubeObject {
    const object = this.get(kind, namespace, name);
    if (object === undefined) {
      throw new Error(`no ${kind} ${namespace}/${name} to edit`);
    }
    change(object);
    return this.put({ ...object, kind }, manager);
  }

  /** True when there was one. */
  remove(kind: Kind, namespace: string, name: string): boolean {
    return this.store.delete({ resource: resourceOf(kind), namespace, name }) !== undefined;
  }

  /** Makes every version seen so far too old for a new watch; open ones go on. */
  compact(): void {
    this.store.compact();
  }
}
