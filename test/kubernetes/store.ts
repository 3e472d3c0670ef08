import { randomUUID } from 'node:crypto';
import type { JsonObject } from './json.ts';
import { copy, objectAt, same } from './json.ts';
import type { KubeObject, Resource } from './objects.ts';
import { groupVersion, kubeObject } from './objects.ts';
import type { Owned } from './ownership.ts';
import { managedFields, sameOwners, seconds } from './ownership.ts';

/** An event of the store, in the form watches send it. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  plural: string;
  version: number;
  object: KubeObject;
  /** What it looked like before: a watch with a label selector must tell that an object has left its view. */
  before: KubeObject | undefined;
}

interface Stored extends Owned {
  served: KubeObject;
}

export interface Key {
  resource: Resource;
  namespace: string;
  name: string;
}

function keyOf({ resource, namespace, name }: Key): string {
  return [resource.plural, namespace, name].join('\u0000');
}

/**
 * etcd's part: one revision counter over all kinds, and the history since the last compaction, out of which a watch
 * replays what its client missed. It outlives a stopped server.
 */
export class ObjectStore {
  readonly #stored = new Map<string, Stored>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #version = 1000;
  #oldest = 1000;

  get version(): number {
    return this.#version;
  }

  /** A watch may start here or later. */
  get oldest(): number {
    return this.#oldest;
  }

  owned(key: Key): Owned | undefined {
    return this.#stored.get(keyOf(key));
  }

  read(key: Key): KubeObject | undefined {
    return this.#stored.get(keyOf(key))?.served;
  }

  list(plural: string, namespace = ''): KubeObject[] {
    return [...this.#stored]
      .filter(
        ([key]) =>
          key.startsWith(`${plural}\u0000`) && (namespace === '' || key.includes(`\u0000${namespace}\u0000`)),
      )
      .map(([, stored]) => stored.served)
      .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  since(version: number): Change[] {
    return this.#history.filter((change) => change.version > version);
  }

  /** Forgets the history, so that a watch from an earlier version is told 410. */
  compact(): void {
    this.#version += 1;
    this.#oldest = this.#version;
    this.#history = [];
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.add(listener);
  }

  /** What `save` would store: the server's own fields are put in here, whatever the client said of them. */
  preview(key: Key, next: Owned): { object: KubeObject; changed: boolean } {
    const current = this.#stored.get(keyOf(key));
    const given = objectAt(next.object, 'metadata');
    const metadata: JsonObject = {
      ...given,
      name: key.name,
      uid: current?.served.metadata.uid ?? randomUUID(),
      creationTimestamp: current?.served.metadata.creationTimestamp ?? seconds(),
      resourceVersion: current?.served.metadata.resourceVersion ?? '',
    };
    delete metadata['managedFields'];
    delete metadata['generateName'];
    if (key.namespace !== '') {
      metadata['namespace'] = key.namespace;
    }
    const apiVersion = groupVersion(key.resource);
    const object: JsonObject = { kind: key.resource.kind, apiVersion, ...next.object, metadata };
    const bare = current === undefined ? undefined : current.object;
    const changed =
      current === undefined || !same(bare, object) || !sameOwners(current.managers, next.managers);
    metadata['managedFields'] = managedFields(next.managers, apiVersion);
    return { object: kubeObject(object), changed };
  }

  /** Stores and tells the watches. What changes nothing, not even an owner, is not a write: the version stays. */
  save(key: Key, next: Owned): { object: KubeObject; changed: boolean } {
    const { object, changed } = this.preview(key, next);
    const current = this.#stored.get(keyOf(key));
    if (!changed && current !== undefined) {
      return { object: current.served, changed };
    }
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    const bare = copy(object);
    delete bare.metadata.managedFields;
    this.#stored.set(keyOf(key), { object: bare, managers: next.managers, served: object });
    this.#tell(current === undefined ? 'ADDED' : 'MODIFIED', key, object, current?.served);
    return { object, changed };
  }

  delete(key: Key): KubeObject | undefined {
    const current = this.#stored.get(keyOf(key));
    if (current === undefined) {
      return undefined;
    }
    this.#stored.delete(keyOf(key));
    this.#version += 1;
    const object = copy(current.served);
    object.metadata.resourceVersion = String(this.#version); // the version of the deletion: watches go on from it
    this.#tell('DELETED', key, object, current.served);
    return object;
  }

  #tell(type: Change['type'], key: Key, object: KubeObject, before: KubeObject | undefined): void {
    const change = { type, plural: key.resource.plural, version: this.#version, object, before };
    this.#history.push(change);
    for (const listener of this.#listeners) {
      listener(change);
    }
  }
}
