import assert from 'node:assert/strict';
import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { certificates, NAMESPACE, SECRET } from '../e2e/support/bed.ts';
import { type KubeObject, KubernetesDouble, type Manifest } from '../fixtures/kubernetes/index.ts';

/** A cluster that looks at every Secret a daemon writes: how many leaves and bundles there were, and that each works. */
export class ObservedCluster extends KubernetesDouble {
  /** What was wrong with a Secret that a daemon wrote. */
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
      const [leaf, ...intermediates] = certificates(text('tls.crt'));
      const roots = certificates(text('ca.crt'));
      assert.ok(leaf, 'tls.crt is empty');
      assert.ok(
        chains(leaf, intermediates, roots),
        `tls.crt of ${issuersOf([leaf, ...intermediates])} does not chain to ca.crt of ${issuersOf(roots)}`,
      );
      assert.ok(leaf.checkPrivateKey(createPrivateKey(text('tls.key'))), 'tls.key is not the key of tls.crt');
      this.leaves.add(leaf.fingerprint256);
      this.activeRoots.add(roots[0]?.fingerprint256 ?? '');
    } catch (error) {
      this.faults.push(`write ${this.secretWrites}: ${error}; ${JSON.stringify(metadata.annotations)}`);
    }
  }
}

function issuersOf(served: readonly X509Certificate[]): string {
  return served.map(({ issuer, validFrom, validTo }) => `${issuer} ${validFrom} - ${validTo}`).join(', ');
}

/** Whether a peer that trusts `roots` accepts the certificate: a new root may be there as one that the old root signed. */
function chains(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  const signed = (issuer: X509Certificate): boolean =>
    certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (roots.some(signed)) return true;
  return intermediates.filter(signed).some((issuer) =>
    chains(
      issuer,
      intermediates.filter((other) => other !== issuer),
      roots,
    ),
  );
}
