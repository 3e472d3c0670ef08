import { readFile } from 'node:fs/promises';
import { binary } from '../test/fixtures/servers/binaries.ts';
import { httpRequest } from '../test/fixtures/servers/http.ts';
import { type RealKubernetes, startRealKubernetes } from '../test/fixtures/servers/real-kubernetes.ts';
import { type WatchEvent, watchObjects } from '../test/fixtures/servers/watch.ts';
import { inNamespace, k8sFor } from '../test/real/manifests.ts';
import { SECRET, SERVICE } from '../test/real/world.ts';
import type { ApiServer, Place } from './place.ts';
import { pemsOf, Sightings } from './sightings.ts';

/** Undefined if the programs of the real servers are not on this machine. */
export async function realServer(): Promise<RealServer | undefined> {
  try {
    binary('KUBE_APISERVER');
  } catch (error) {
    console.error(`${String(error)}\nA double takes the place of the API server.`);
    return undefined;
  }
  return RealServer.start();
}

/** A real API server with a place in each namespace, to which the shipped manifest has been applied. */
export class RealServer implements ApiServer {
  readonly name = 'real API server';
  readonly #kubernetes: RealKubernetes;

  private constructor(kubernetes: RealKubernetes) {
    this.#kubernetes = kubernetes;
  }

  static async start(): Promise<RealServer> {
    return new RealServer(await startRealKubernetes());
  }

  async place(namespace: string): Promise<Place> {
    await this.#kubectl(['create', 'namespace', namespace]);
    const k8s = await k8sFor((args) => this.#kubectl(args));
    const manifest = await readFile(`${k8s}/ambassador-consul-connector.yaml`, 'utf8');
    await this.#kubectl(['apply', '-f', '-'], inNamespace(manifest, namespace));
    return sighted(this.#kubernetes, namespace);
  }

  kubectl(namespace: string): readonly string[] {
    return [binary('KUBECTL'), `--kubeconfig=${this.#kubernetes.kubeconfigFile}`, `--namespace=${namespace}`];
  }

  close(): Promise<void> {
    return this.#kubernetes.stop();
  }

  async #kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.#kubernetes.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}

/** Stored objects are observed with a watch of the administrator. */
async function sighted(kubernetes: RealKubernetes, namespace: string): Promise<Place> {
  const secrets = new Sightings();
  let onDeleted = (): void => undefined;
  const watch = watchObjects(kubernetes, namespace, 'secrets', ({ type, object }: WatchEvent) => {
    if (object.metadata.name !== SECRET) return;
    if (type === 'DELETED') onDeleted();
    else secrets.saw(pemsOf(object.data));
  });
  const remove = async (path: string): Promise<boolean> => {
    const { status, body } = await httpRequest(`${kubernetes.url}/api/v1/namespaces/${namespace}/${path}`, {
      method: 'DELETE',
      ca: kubernetes.caPem,
      headers: { authorization: `Bearer ${kubernetes.adminToken}` },
    });
    if (status !== 200 && status !== 404) throw new Error(`${path} could not be deleted: ${body}`);
    return status === 200;
  };
  return {
    env: { KUBECONFIG: await kubernetes.kubeconfigFor(namespace, SERVICE) },
    secrets,
    async clear() {
      const isSeen = new Promise<void>((resolve) => {
        onDeleted = resolve;
      });
      await remove(`services/${SERVICE}`);
      // By then the watch has delivered all earlier events.
      if (await remove(`secrets/${SECRET}`)) await isSeen;
    },
    close: () => watch.stop(),
  };
}
