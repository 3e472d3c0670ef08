/**
 * Shows that the real servers work on this machine: npx tsx test/servers/smoke.ts
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsulLeaf } from './consul-client.ts';
import { ask } from './http.ts';
import { type RealConsul, startRealConsul } from './real-consul.ts';
import { type RealKubernetes, startRealKubernetes } from './real-kubernetes.ts';
import { startSidecar } from './sidecar.ts';

const SERVICE_ACCOUNT = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: connector, namespace: ambassador }
`;

const SECRET = `
apiVersion: v1
kind: Secret
metadata: { name: ambassador-consul-connect, namespace: ambassador }
stringData: { greeting: hello }
`;

async function timed<T>(what: string, work: Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work;
  console.log(`${what}: ${Math.round(performance.now() - started)} ms`);
  return result;
}

async function useKubernetes(kubernetes: RealKubernetes): Promise<void> {
  const succeed = async (args: string[], stdin?: string) => {
    const { code, stdout, stderr } = await kubernetes.kubectl(args, stdin);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await succeed(['create', 'namespace', 'ambassador']);
  await succeed(['apply', '--server-side', '-f', '-'], SERVICE_ACCOUNT);
  await timed('kubectl apply', succeed(['apply', '--server-side', '-f', '-'], SECRET));

  await timed('API server stopped', kubernetes.stopApiServer());
  await timed('API server started again', kubernetes.startApiServer());
  await succeed(['get', 'secret', 'ambassador-consul-connect', '-n', 'ambassador']);
  const writes = (await kubernetes.writes()).filter(({ user }) => user === 'admin');
  assert.deepEqual(
    writes.map(({ at: _, ...write }) => write),
    [
      {
        verb: 'patch',
        resource: 'secrets',
        namespace: 'ambassador',
        name: 'ambassador-consul-connect',
        user: 'admin',
        code: 201,
      },
    ],
  );

  const token = await kubernetes.tokenFor('ambassador', 'connector');
  const answer = await ask(`${kubernetes.url}/api/v1/namespaces/ambassador/secrets`, {
    ca: kubernetes.caPem,
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 403, 'RBAC lets a ServiceAccount without a Role read Secrets');
  await kubernetes.inClusterFolder('ambassador', 'connector');
  await kubernetes.kubeconfigFor('ambassador', 'connector');
}

function throughMesh(port: number, leaf: ConsulLeaf) {
  return ask(`https://127.0.0.1:${port}/hello`, {
    cert: leaf.CertPEM,
    key: leaf.PrivateKeyPEM,
    // Mesh certificates name a SPIFFE ID, not a host.
    rejectUnauthorized: false,
  });
}

async function useConsul(consul: RealConsul): Promise<void> {
  const before = await consul.roots();
  const leaf = await timed('leaf', consul.leaf('ambassador'));
  assert.match(leaf.ServiceURI, new RegExp(`^spiffe://${before.TrustDomain}/.*/svc/ambassador$`));
  const sidecar = await timed('sidecar started', startSidecar(consul, 'quote'));
  const answer = await timed('request through the sidecar', throughMesh(sidecar.publicPort, leaf));
  assert.equal(answer.status, 200);
  assert.match(answer.body, /"service":"quote"/);

  await timed('root rotated', consul.rotateRoot());
  const after = await consul.roots();
  assert.equal(after.Roots.length, 2);
  assert.notEqual(after.ActiveRootID, before.ActiveRootID);
  const next = await timed('leaf of the new root', consul.leafAfter('ambassador', leaf));
  assert.equal(next.CertPEM.match(/BEGIN/g)?.length, 2, 'the cross-signed intermediate comes with the leaf');
  const active = new X509Certificate(after.Roots.find(({ Active }) => Active)?.RootCert ?? '');
  assert.ok(new X509Certificate(next.CertPEM).verify(active.publicKey));
  assert.equal((await throughMesh(sidecar.publicPort, next)).status, 200);

  await consul.intend('deny', 'ambassador', 'quote');
  await timed('intention obeyed', untilRefused(sidecar.publicPort, next));
  await consul.intend('allow', 'ambassador', 'quote');
  await sidecar.stop();

  await timed('Consul restarted', consul.restart());
  assert.equal((await consul.roots()).ActiveRootID, after.ActiveRootID);
  await timed('Consul restarted, wiped', consul.restart({ wipe: true }));
  assert.notEqual((await consul.roots()).TrustDomain, after.TrustDomain);
}

async function untilRefused(port: number, leaf: ConsulLeaf): Promise<void> {
  while (
    await throughMesh(port, leaf).then(
      () => true,
      () => false,
    )
  )
    await sleep(50);
}

async function useSecuredConsul(): Promise<void> {
  const consul = await timed(
    'Consul with ACLs and TLS started',
    startRealConsul({ persistent: true, acl: true, tls: { verifyIncoming: true } }),
  );
  try {
    assert.equal((await consul.get('/v1/agent/connect/ca/leaf/ambassador', '')).status, 403);
    const token = await consul.makeToken('service "ambassador" { policy = "write" }');
    assert.equal((await consul.get('/v1/agent/connect/ca/leaf/ambassador', token)).status, 200);
    const https = `https://127.0.0.1:${consul.tls?.port}/v1/status/leader`;
    await assert.rejects(ask(https, { rejectUnauthorized: false }));
    await timed('Consul with ACLs restarted', consul.restart());
    assert.equal((await consul.get('/v1/agent/connect/ca/leaf/ambassador', token)).status, 200);
  } finally {
    await consul.stop();
  }
}

const [consul, kubernetes] = await Promise.all([
  timed('Consul started', startRealConsul({ persistent: true, leafTtl: '1h' })),
  timed('Kubernetes started', startRealKubernetes()),
]);
try {
  await useConsul(consul);
  await useKubernetes(kubernetes);
  await useSecuredConsul();
  console.log('all real servers work');
} catch (error) {
  console.error(
    `Consul:\n${consul.output().slice(-3000)}\nkube-apiserver:\n${kubernetes.output().slice(-3000)}`,
  );
  throw error;
} finally {
  await timed('stopped', Promise.all([consul.stop(), kubernetes.stop()]));
}
