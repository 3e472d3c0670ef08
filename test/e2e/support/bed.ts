import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import {
  type EmbeddedConsul,
  type EmbeddedConsulOptions,
  startEmbeddedConsul,
} from '../../fixtures/consul/embedded-consul.ts';
import {
  type KubeconfigOptions,
  type KubeObject,
  type KubernetesDouble,
  type KubernetesDoubleOptions,
  type LoggedRequest,
  startKubernetesDouble,
} from '../../fixtures/kubernetes/index.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { eventually } from './eventually.ts';
import { assertNoSecrets } from './secrets.ts';

export const NAMESPACE = 'ambassador';
export const SECRET = 'ambassador-consul-connect';
export const SERVICE = 'ambassador-consul-connector';

export interface BedOptions {
  readonly consul?: EmbeddedConsulOptions;
  readonly cluster?: KubernetesDoubleOptions;
  readonly kubeconfig?: KubeconfigOptions;
}

/** A Consul and a cluster for one test. The output of its daemons is searched for secrets when the test ends. */
export async function makeBed(t: TestContext, options: BedOptions = {}): Promise<Bed> {
  const [consul, cluster] = await Promise.all([
    startEmbeddedConsul(options.consul),
    startKubernetesDouble(options.cluster),
  ]);
  const bed = new Bed(consul, cluster, { namespace: NAMESPACE, ...options.kubeconfig });
  t.after(() => bed.close());
  return bed;
}

export class Bed {
  readonly consul: EmbeddedConsul;
  readonly cluster: KubernetesDouble;
  readonly kubeconfig: string;
  readonly #daemons: Daemon[] = [];
  #isClosed = false;

  constructor(consul: EmbeddedConsul, cluster: KubernetesDouble, kubeconfig: KubeconfigOptions) {
    this.consul = consul;
    this.cluster = cluster;
    this.kubeconfig = cluster.kubeconfigFile(kubeconfig);
  }

  start(
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
    launcher: readonly string[] = [],
  ): Daemon {
    // A failed test may continue elsewhere: a daemon that it starts now would never be ended, nor would the run.
    if (this.#isClosed) throw new Error('the test has ended');
    const addresses = {
      _CONSUL_HOST: this.consul.host,
      _CONSUL_PORT: String(this.consul.port),
      KUBECONFIG: this.kubeconfig,
    };
    const daemon = startDaemon({ ...addresses, ...env }, args, launcher);
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Starts one and waits until it is ready. */
  async startReady(env: Readonly<Record<string, string>> = {}): Promise<Daemon> {
    const daemon = this.start(env);
    await daemon.ready();
    return daemon;
  }

  /** Limits the account as the shipped manifest does: it lists no other Secret, and a policy denies creating any. */
  limitCreation(): void {
    this.cluster.deny({ verb: 'list', resource: 'secrets', name: '' });
    const message =
      "secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'only-ours' with binding 'only-ours' denied request: no";
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', message };
    this.cluster.script(isDryRun, { status: 403, body: { ...body, code: 403 } });
  }

  secret(name = SECRET, namespace = NAMESPACE): KubeObject | undefined {
    return this.cluster.get('Secret', namespace, name);
  }

  service(name = SERVICE): KubeObject | undefined {
    return this.cluster.get('Service', NAMESPACE, name);
  }

  /** One entry of the Secret, decoded. */
  entry(key: string, name = SECRET, namespace = NAMESPACE): string {
    return Buffer.from(this.secret(name, namespace)?.data?.[key] ?? '', 'base64').toString('utf8');
  }

  /** Resolves when both queries block, so that each next answer is a change. */
  async queriesBlock(): Promise<void> {
    await eventually(
      'both queries block',
      () => this.consul.open('roots') === 1 && this.consul.open('leaf') === 1,
    );
  }

  /** Resolves when both objects are watched. */
  async watched(): Promise<void> {
    await eventually(
      'both objects are watched',
      () => this.cluster.watches.count('secrets') > 0 && this.cluster.watches.count('services') > 0,
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#daemons.map((daemon) => daemon.readPages()));
    await Promise.all(
      this.#daemons.map((daemon) => (daemon.running ? daemon.stop('SIGKILL') : daemon.exited)),
    );
    await Promise.all([this.consul.close(), this.cluster.close()]);
    for (const { stdout, stderr, served, files } of this.#daemons)
      assertNoSecrets(stdout + stderr + served + files);
  }
}

/** Whether it is the dry run by which `check` tries to create a Secret. */
export function isDryRun({ verb, resource, query }: LoggedRequest): boolean {
  return verb === 'create' && resource === 'secrets' && query.has('dryRun');
}

/** The certificates of a PEM text, in order. */
export function certificates(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []).map(
    (block) => new X509Certificate(block),
  );
}

/** Asserts that peers with the roots of `caPem` accept the first certificate, with those behind it; returns that leaf. */
export function assertWorks(certificatePem: string, caPem: string): X509Certificate {
  const [leaf, ...intermediates] = certificates(certificatePem);
  assert.ok(leaf);
  const roots = certificates(caPem);
  let last = leaf;
  // A leaf that is newer than the bundle leads to it by a cross-signed certificate.
  for (const next of intermediates) if (!isIssuedByOneOf(last, roots) && isIssuedBy(last, next)) last = next;
  assert.ok(isIssuedByOneOf(last, roots), 'the leaf has no path to a root of ca.crt');
  return leaf;
}

function isIssuedByOneOf(certificate: X509Certificate, roots: readonly X509Certificate[]): boolean {
  return roots.some((root) => isIssuedBy(certificate, root));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
