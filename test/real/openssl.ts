import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs openssl in a folder that holds `files`; rejects, with what it printed, when it exits with another code than 0. */
async function openssl(args: readonly string[], files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openssl-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return (await run('openssl', [...args], { cwd: folder })).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `openssl verify` of the first certificate of `tlsCrt`, by the roots of `caCrt` and the rest of `tlsCrt`. */
export async function verify(tlsCrt: string, caCrt: string): Promise<string> {
  const args = ['verify', '-CAfile', 'ca.crt', '-untrusted', 'tls.crt', 'tls.crt'];
  return (await openssl(args, { 'tls.crt': tlsCrt, 'ca.crt': caCrt })).trim();
}

/** The SHA-256 of the public key, of a certificate or of a private key, as openssl reads them. */
export async function publicKeyDigest(kind: 'certificate' | 'key', pem: string): Promise<string> {
  const args =
    kind === 'certificate'
      ? ['x509', '-pubkey', '-noout', '-in', 'in.pem']
      : ['pkey', '-pubout', '-in', 'in.pem'];
  return createHash('sha256')
    .update(await openssl(args, { 'in.pem': pem }))
    .digest('hex');
}
