import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readConfig } from '../../src/config/config.ts';
import { decodeLeaf, decodeRoots } from '../../src/consul/connect-ca.ts';
import { ConnectorError } from '../../src/errors.ts';
import { verifyIdentity, verifyServed } from '../../src/identity/identity.ts';
import { buildTrustBundle } from '../../src/identity/trust-bundle.ts';
import { readCertificates } from '../../src/identity/x509/certificate.ts';
import { readPem } from '../../src/identity/x509/pem.ts';
import { readPrivateKey } from '../../src/identity/x509/private-key.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Credentials } from '../../src/publish/kubernetes/api/credentials.ts';
import { asRecord, decodeObject } from '../../src/publish/kubernetes/api/object.ts';
import { parseJson } from '../../src/publish/kubernetes/api/requests.ts';
import { readLines } from '../../src/publish/kubernetes/api/watch-stream.ts';
import { orOwnError } from '../unit/bytes.ts';

/** A decoder of external input: it may reject the input, but only with an error of ours. */
export interface Target {
  /** Undamaged inputs. */
  readonly corpus: readonly string[];
  /** @throws ConnectorError */
  decode(text: string): unknown;
}

const CORPUS = new URL('corpus/', import.meta.url);
const RECORDED = new URL('../fixtures/consul/recorded/', import.meta.url);
const LONGEST_LINE = 1_024 * 1_024;

const roots = recorded(/roots/);
const leaves = recorded(/leaf/);
const certificates = leaves.map(decodeLeaf).flatMap((leaf) => [leaf.certificatePem, leaf.privateKeyPem]);
const [listed] = roots.map(decodeRoots);
if (listed === undefined) throw new Error('no roots were recorded');
const at = Date.parse('2026-11-28T17:00:00Z');
const bundle = buildTrustBundle(listed, at);

export const TARGETS: Readonly<Record<string, Target>> = {
  roots: { corpus: roots, decode: (text) => buildTrustBundle(decodeRoots(text), at) },
  leaf: { corpus: leaves, decode: (text) => verifyIdentity(decodeLeaf(text), 'ambassador', bundle, at) },
  pem: { corpus: certificates, decode: (text) => readPem(text, 'it') },
  certificate: {
    corpus: certificates,
    decode: (text) => {
      const served = { certificatePem: text, privateKeyPem: text };
      orOwnError(ConnectorError, () => readPrivateKey(text));
      orOwnError(ConnectorError, () => verifyServed(served, 'ambassador', bundle, at));
      return readCertificates(text, 'it');
    },
  },
  'watch-line': { corpus: files('watch-line'), decode: decodeWatch },
  kubeconfig: { corpus: files('kubeconfig'), decode: loadFrom },
  environment: { corpus: files('environment'), decode: (text) => readConfig(parseEnv(text)) },
};

async function decodeWatch(text: string): Promise<void> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  for await (const line of readLines(stream(), LONGEST_LINE)) {
    decodeObject(asRecord(parseJson(line))['object']);
  }
}

/** Without running plugins: a fuzzed command could be anything. */
async function loadFrom(text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fuzzed-kubeconfig-'));
  const before = process.env['KUBECONFIG'];
  try {
    const path = join(folder, 'config');
    await writeFile(path, text.replaceAll('exec', 'none'));
    process.env['KUBECONFIG'] = path;
    const credentials = await Credentials.create(systemClock);
    await credentials.authorize(AbortSignal.timeout(1_000)).finally(() => credentials.close());
  } finally {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
    await rm(folder, { recursive: true });
  }
}

/** Whether it is an error that the decoder may throw. */
export function isOwn(error: unknown): boolean {
  return error instanceof ConnectorError;
}

function files(target: string): string[] {
  const folder = new URL(`${target}/`, CORPUS);
  return readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
}

/** Recorded answers of real servers, with keys and certificates of servers that no longer exist. */
function recorded(name: RegExp): string[] {
  return readdirSync(RECORDED, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.json') && name.test(file))
    .flatMap((file) => {
      const { response } = JSON.parse(readFileSync(new URL(file, RECORDED), 'utf8'));
      const text = response.body ?? Buffer.from(response.bodyBase64 ?? '', 'base64').toString();
      return response.status === 200 && /"(?:Roots|CertPEM)"/.test(text) ? [text] : [];
    })
    .slice(0, 8);
}
