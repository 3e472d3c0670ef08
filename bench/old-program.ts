/**
 * A stand-in for the closed-source Go program that the connector replaces, for `npm run proof -- --old`. It shows the observed
 * behaviour of that program: on every answer to either query it applies the Secret with kubectl, whether anything changed or not,
 * with the leaf and the active root in `tls.crt` and no `ca.crt`; and it exits when Consul is unavailable, so that Kubernetes
 * restarts it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const { _CONSUL_HOST, _CONSUL_PORT, CONSUL_HTTP_TOKEN = '', KUBECTL = 'kubectl' } = process.env;
const ROOTS = '/v1/agent/connect/ca/roots';
const LEAF = '/v1/agent/connect/ca/leaf/ambassador';

let root = '';
let leaf = { CertPEM: '', PrivateKeyPEM: '' };
let applying = Promise.resolve();

async function follow<T>(path: string, take: (answer: T) => void): Promise<never> {
  for (let index = '0'; ; ) {
    const url = `http://${_CONSUL_HOST}:${_CONSUL_PORT}${path}?index=${index}&wait=60s`;
    const response = await fetch(url, { headers: { 'X-Consul-Token': CONSUL_HTTP_TOKEN } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    const seen = index;
    index = response.headers.get('x-consul-index') ?? '0';
    take(JSON.parse(await response.text()));
    if (index === seen || root === '' || leaf.CertPEM === '') continue;
    applying = applying.then(apply);
    await applying;
  }
}

async function apply(): Promise<void> {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'ambassador-consul-connect' },
    data: { 'tls.crt': btoa(leaf.CertPEM + root), 'tls.key': btoa(leaf.PrivateKeyPEM) },
  };
  const kubectl = spawn(KUBECTL, ['apply', '-f', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  kubectl.stdin.end(JSON.stringify(manifest));
  const [code] = await once(kubectl, 'exit');
  if (code !== 0) throw new Error(`kubectl apply ended with ${code}`);
}

type Roots = { readonly Roots: readonly { readonly RootCert: string; readonly Active: boolean }[] };
await Promise.all([
  follow<Roots>(ROOTS, ({ Roots }) => {
    root = Roots.find(({ Active }) => Active)?.RootCert ?? root;
  }),
  follow<typeof leaf>(LEAF, (answer) => {
    leaf = answer;
  }),
]);
