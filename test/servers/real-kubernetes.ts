import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handOutToken } from '../e2e/support/secrets.ts';
import { AUDIT_POLICY, type AuditedWrite, readWrites } from './audit.ts';
import { makeAuthority } from './authority.ts';
import { binary } from './binaries.ts';
import { ask } from './http.ts';
import { type KubectlResult, makeKubeconfig, makeKubectl } from './kubectl.ts';
import { freePorts } from './ports.ts';
import { type ServerProcess, startProcess } from './process.ts';

export type { AuditedWrite };

export interface RealKubernetes {
  readonly url: string;
  readonly caPem: string;
  readonly caFile: string;
  readonly adminToken: string;
  /** The administrator's. */
  readonly kubeconfigFile: string;
  readonly auditLog: string;
  /** As the administrator; a failure is a result, not an exception. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlResult>;
  /** A token from TokenRequest for a ServiceAccount that exists; at least 600 seconds. */
  tokenFor(namespace: string, serviceAccount: string, expirationSeconds?: number): Promise<string>;
  /** A kubeconfig of a ServiceAccount, whose context has its namespace. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /** A folder as Kubernetes mounts one into a Pod: `token`, `ca.crt`, `namespace`. */
  inClusterFolder(namespace: string, serviceAccount: string): Promise<string>;
  /**
   * Every create, update, patch and delete of a Secret or Service so far, in order, refused ones too. A line can
   * come a few milliseconds after the client has its answer.
   */
  writes(): Promise<AuditedWrite[]>;
  /** Ends the API server at once: watches break and connections are refused. etcd stays. */
  stopApiServer(): Promise<void>;
  /** The same port, certificates and data. */
  startApiServer(): Promise<void>;
  /** Ends everything and removes its files. */
  stop(): Promise<void>;
  /** Of the API server since it last started. */
  output(): string;
}

/**
 * A real API server with RBAC on a loopback port, and etcd. There is no controller manager, so nothing makes
 * a namespace's `default` ServiceAccount, and a deleted namespace stays.
 */
export async function startRealKubernetes(): Promise<RealKubernetes> {
  const folder = await mkdtemp(join(tmpdir(), 'real-kubernetes-'));
  const at = (name: string) => join(folder, name);
  const [port = 0, etcdPort = 0, etcdPeerPort = 0] = await freePorts(3);
  const url = `https://127.0.0.1:${port}`;
  const adminToken = handOutToken(randomUUID());
  const caPem = await writeCredentials(at, adminToken);
  const etcd = await startEtcd(at('etcd'), etcdPort, etcdPeerPort);
  let apiServer: ServerProcess;

  async function startApiServer(): Promise<void> {
    apiServer = await startProcess(binary('KUBE_APISERVER'), apiServerFlags(at, port, etcdPort));
    await apiServer.waitUntil(async () => {
      const headers = { authorization: `Bearer ${adminToken}` };
      return (await ask(`${url}/readyz`, { ca: caPem, headers })).status === 200;
    });
  }
  await startApiServer();

  const kubeconfig = (namespace: string, token: string) => makeKubeconfig({ url, caPem, namespace, token });
  const kubeconfigFile = at('admin.kubeconfig');
  await writeFile(kubeconfigFile, kubeconfig('default', adminToken));
  const kubectl = makeKubectl(kubeconfigFile, folder);

  async function tokenFor(
    namespace: string,
    serviceAccount: string,
    expirationSeconds = 3600,
  ): Promise<string> {
    // Not `kubectl create token`: Debian's kubectl is older than that command.
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds },
    };
    const { code, stdout, stderr } = await kubectl(
      ['create', '--raw', path, '-f', '-'],
      JSON.stringify(request),
    );
    if (code !== 0) throw new Error(`no token for ${namespace}/${serviceAccount}: ${stderr}`);
    const answer: { status: { token: string } } = JSON.parse(stdout);
    return handOutToken(answer.status.token);
  }

  async function kubeconfigFor(namespace: string, serviceAccount: string): Promise<string> {
    const file = at(`${namespace}-${serviceAccount}.kubeconfig`);
    await writeFile(file, kubeconfig(namespace, await tokenFor(namespace, serviceAccount)));
    return file;
  }

  async function inClusterFolder(namespace: string, serviceAccount: string): Promise<string> {
    const mount = await mkdtemp(at('serviceaccount-'));
    await writeFile(join(mount, 'token'), await tokenFor(namespace, serviceAccount));
    await writeFile(join(mount, 'ca.crt'), caPem);
    await writeFile(join(mount, 'namespace'), namespace);
    return mount;
  }

  return {
    url,
    caPem,
    caFile: at('ca.crt'),
    adminToken,
    kubeconfigFile,
    auditLog: at('audit.log'),
    kubectl,
    tokenFor,
    kubeconfigFor,
    inClusterFolder,
    writes: () => readWrites(at('audit.log')),
    // Not SIGTERM, on which it waits up to a minute for watches to end.
    stopApiServer: () => apiServer.kill(),
    startApiServer,
    async stop() {
      await apiServer.kill();
      await etcd.kill();
      await rm(folder, { recursive: true });
    },
    output: () => apiServer.output(),
  };
}

async function writeCredentials(at: (name: string) => string, adminToken: string): Promise<string> {
  const authority = await makeAuthority('Kubernetes API');
  const server = await authority.issue('kube-apiserver');
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await Promise.all([
    writeFile(at('ca.crt'), authority.certificate),
    writeFile(at('server.crt'), server.certificate),
    writeFile(at('server.key'), server.privateKey),
    writeFile(at('tokens.key'), signing.privateKey.export({ type: 'sec1', format: 'pem' })),
    writeFile(at('tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`),
    writeFile(at('audit-policy.yaml'), AUDIT_POLICY),
  ]);
  return authority.certificate;
}

async function startEtcd(dataFolder: string, port: number, peerPort: number): Promise<ServerProcess> {
  await mkdir(dataFolder, { mode: 0o700 });
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const etcd = await startProcess(binary('ETCD'), [
    `--data-dir=${dataFolder}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
  ]);
  await etcd.waitUntil(async () => (await ask(`${client}/health`)).status === 200);
  return etcd;
}

function apiServerFlags(at: (name: string) => string, port: number, etcdPort: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${at('certificates')}`,
    `--tls-cert-file=${at('server.crt')}`,
    `--tls-private-key-file=${at('server.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${at('tokens.key')}`,
    `--service-account-signing-key-file=${at('tokens.key')}`,
    `--token-auth-file=${at('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--disable-admission-plugins=ServiceAccount',
    // Endpoints of a loopback address are not valid, and nothing here uses them.
    '--endpoint-reconciler-type=none',
    `--audit-policy-file=${at('audit-policy.yaml')}`,
    `--audit-log-path=${at('audit.log')}`,
  ];
}
