import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { assertWorks, certificates, NAMESPACE, SECRET } from '../e2e/support/bed.ts';
import { type KubeObject, KubernetesDouble, type Manifest } from '../fixtures/kubernetes/index.ts';

/** A cluster that checks every Secret a daemon writes, and counts the leaves and active roots. */
export class ObservedCluster extends KubernetesDouble {
  /** The faults of Secrets that a daemon wrote. */
  readonly faults: string[] = [];
  secretWrites = 0;
  /** The fingerprints of the leaves that were published. */
  readonly leaves = new Set<string>();
  /** The fingerprints of the roots that were published as the active one. */
  readonly activeRoots = new Set<string>();
  #byHand = false;

  constructor(...parameters: ConstructorParameters<typeof KubernetesDouble>) {
    super(...parameters);
    this.store.onChange(({ type, plural, object }) => {
      const { name, namespace } = object.metadata;
      const isOurs = plural === 'secrets' && name === SECRET && namespace === NAMESPACE;
      if (isOurs && type !== 'DELETED' && !this.#byHand) this.#look(object);
    });
  }

  override put(manifest: Manifest, manager?: string): KubeObject {
    // The constructor above puts the namespaces, before this class has its fields.
    if (!(#byHand in this)) return super.put(manifest, manager);
    this.#byHand = true;
    try {
      return super.put(manifest, manager);
    } finally {
      this.#byHand = false;
    }
  }

  #look({ data = {}, metadata }: KubeObject): void {
    this.secretWrites += 1;
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    try {
      const leaf = assertWorks(text('tls.crt'), text('ca.crt'));
      assert.ok(leaf.checkPrivateKey(createPrivateKey(text('tls.key'))), 'tls.key is not the key of tls.crt');
      this.leaves.add(leaf.fingerprint256);
      this.activeRoots.add(certificates(text('ca.crt'))[0]?.fingerprint256 ?? '');
    } catch (error) {
      this.faults.push(`write ${this.secretWrites}: ${error}; ${JSON.stringify(metadata.annotations)}`);
    }
  }
}
