/**
 * The baseline: the minimum of any program that keeps a Secret current with Consul, with undici alone. It sends the same requests
 * as the connector and reads the same variables, but verifies nothing, decides nothing and survives no error.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { followConsul, type Pems, pems } from './baseline-consul.ts';

const { KUBECONFIG = '' } = process.env;
const kubeconfig = readFileSync(KUBECONFIG, 'utf8');
const setting = (key: string) => new RegExp(`\\b${key}"?: *"?([^"\\s,}]+)`).exec(kubeconfig)?.[1] ?? '';
const ca = Buffer.from(setting('certificate-authority-data'), 'base64');
// It survives no error, and in the accelerated time of the bench ten seconds take only half a second.
const timeout = 0;
const cluster = new Agent({ connect: { ca, timeout }, bodyTimeout: 0 });
const base = `${setting('server')}/api/v1/namespaces/${setting('namespace')}`;
const SECRET = { kind: 'Secret', path: '/secrets', name: 'ambassador-consul-connect' };
const SERVICE = { kind: 'Service', path: '/services', name: 'ambassador-consul-connector' };
const TLS_CONTEXT = `---\napiVersion: getambassador.io/v2\nkind: TLSContext\nname: ambassador-consul\nhosts: []\nsecret: ${SECRET.name}\n`;

async function kubernetes(method: 'GET' | 'POST' | 'PATCH', path: string, type = 'json', body?: object) {
  const headers = {
    authorization: `Bearer ${setting('token')}`,
    'content-type': `application/${type}`,
  };
  const text = body === undefined ? null : JSON.stringify(body);
  return (await request(base + path, { method, dispatcher: cluster, headers, body: text })).body;
}

async function exists({ path, name }: typeof SECRET): Promise<boolean> {
  const list = await kubernetes('GET', `${path}?fieldSelector=metadata.name=${name}`);
  return /"uid"/.test(await list.text());
}

async function write({ kind, path, name }: typeof SECRET, isThere: boolean, content: object): Promise<void> {
  const body = { apiVersion: 'v1', kind, ...content, metadata: { name, ...Object(content).metadata } };
  const written = isThere
    ? kubernetes('PATCH', `${path}/${name}?fieldManager=baseline&force=true`, 'apply-patch+yaml', body)
    : kubernetes('POST', path, 'json', body);
  await (await written).json();
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
function secret({ certificate, key, ca }: Pems): object {
  const data = { 'tls.crt': base64(certificate), 'tls.key': base64(key), 'ca.crt': base64(ca) };
  return { type: 'kubernetes.io/tls', data };
}

const isThere = Promise.all([exists(SECRET), exists(SERVICE)]);
let published = false;
async function publish(): Promise<void> {
  const now = pems();
  if (now === undefined) return;
  const [hasSecret, hasService] = await isThere;
  const isFirst = !published;
  published = true;
  await write(SECRET, hasSecret || !isFirst, secret(now));
  if (!isFirst) return;
  const spec = { clusterIP: 'None', ports: [{ port: 80 }] };
  await write(SERVICE, hasService, {
    metadata: { annotations: { 'getambassador.io/config': TLS_CONTEXT } },
    spec,
  });
}

async function watch(): Promise<never> {
  for (;;) {
    const query = `?watch=true&fieldSelector=metadata.name=${SECRET.name}&timeoutSeconds=290`;
    for await (const _ of await kubernetes('GET', SECRET.path + query));
  }
}

process.once('SIGTERM', () => process.exit());
void Promise.all([followConsul(publish), watch()]);
