import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (args: readonly string[]) => promisify(execFile)('openssl', args);

export interface PemPair {
  readonly certificate: string;
  /** SEC1: Consul's CA refuses an EC key in PKCS#8. */
  readonly privateKey: string;
}

/** A CA of the tests' own, made by openssl so that no code of this project vouches for itself. */
export interface Authority extends PemPair {
  /** A certificate for a server or client of this machine, unless `options` say otherwise. */
  issue(commonName: string, options?: IssueOptions): Promise<PemPair>;
}

export interface IssueOptions {
  /** As OpenSSL writes a subjectAltName. */
  readonly names?: string;
  /** How long it is valid from now on; a negative number makes one that has expired. */
  readonly days?: number;
}

const leafExtensions = (names: string) => `
basicConstraints=critical,CA:FALSE
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=${names}
authorityKeyIdentifier=keyid
`;

/** @param spiffeTrustDomain becomes the URI SAN, as in the roots that Consul makes itself. */
export async function makeAuthority(commonName: string, spiffeTrustDomain?: string): Promise<Authority> {
  const san = spiffeTrustDomain === undefined ? '' : `subjectAltName=URI:spiffe://${spiffeTrustDomain}`;
  const root = await inFolder(async (at) => {
    await writeFile(
      at('config'),
      // PrintableString, as Go writes names: Consul compares them byte by byte.
      `[req]
distinguished_name=name
string_mask=pkix
[name]
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
${san}`,
    );
    const how = ['-x509', '-days', '365', '-config', at('config'), '-extensions', 'root'];
    await openssl(['req', ...how, ...newKey(at('key')), '-subj', `/CN=${commonName}`, '-out', at('crt')]);
    return readPair(at);
  });

  async function issue(
    subject: string,
    { names = 'DNS:localhost,IP:127.0.0.1', days = 30 }: IssueOptions = {},
  ): Promise<PemPair> {
    return inFolder(async (at) => {
      await writeFile(at('root.crt'), root.certificate);
      await writeFile(at('root.key'), root.privateKey);
      await writeFile(at('extensions'), leafExtensions(names));
      await openssl(['req', '-new', ...newKey(at('key')), '-subj', `/CN=${subject}`, '-out', at('csr')]);
      const signer = [
        '-CA',
        at('root.crt'),
        '-CAkey',
        at('root.key'),
        '-CAcreateserial',
        '-days',
        String(days),
      ];
      await openssl([
        'x509',
        '-req',
        '-in',
        at('csr'),
        ...signer,
        '-extfile',
        at('extensions'),
        '-out',
        at('crt'),
      ]);
      return readPair(at);
    });
  }

  return { ...root, issue };
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}

type FileIn = (name: string) => string;

async function inFolder<T>(work: (at: FileIn) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  try {
    return await work((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readPair(at: FileIn): Promise<PemPair> {
  const key = createPrivateKey(await readFile(at('key')));
  return {
    certificate: await readFile(at('crt'), 'utf8'),
    privateKey: key.export({ type: 'sec1', format: 'pem' }).toString(),
  };
}
