/** The Consul part of both baselines: its two blocking queries, repeated forever, and the PEMs in the answers. */
import { Agent, request } from 'undici';

const { _CONSUL_HOST, _CONSUL_PORT } = process.env;
const answers = { roots: '', leaf: '' };

export interface Pems {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** Undefined until both are answered. */
export function pems(): Pems | undefined {
  if (answers.roots === '' || answers.leaf === '') return undefined;
  const roots: { RootCert: string }[] = JSON.parse(answers.roots).Roots;
  const leaf: { CertPEM: string; PrivateKeyPEM: string } = JSON.parse(answers.leaf);
  return {
    certificate: leaf.CertPEM,
    key: leaf.PrivateKeyPEM,
    ca: roots.map(({ RootCert }) => RootCert).join(''),
  };
}

/** Calls `publish` whenever one of the answers changes. */
export function followConsul(publish: () => Promise<void>): Promise<never[]> {
  return Promise.all([follow('roots', 'roots', publish), follow('leaf', 'leaf/ambassador', publish)]);
}

async function follow(
  what: keyof typeof answers,
  path: string,
  publish: () => Promise<void>,
): Promise<never> {
  // As in the connector: without this limit, undici could open another connection for each query.
  const consul = new Agent({ headersTimeout: 0, connections: 1, connect: { timeout: 0 } });
  for (let index = ''; ; ) {
    const url = `http://${_CONSUL_HOST}:${_CONSUL_PORT}/v1/agent/connect/ca/${path}?wait=50s${index}`;
    const { headers, body } = await request(url, { dispatcher: consul });
    index = `&index=${headers['x-consul-index']}`;
    const text = await body.text();
    if (text === answers[what]) continue;
    answers[what] = text;
    await publish();
  }
}
