import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * openssl verifies the first certificate of `tlsCrt`, by the roots of `caCrt` and the rest of `tlsCrt`; rejects with its
 * output if it does not accept it.
 */
export async function verify(tlsCrt: string, caCrt: string): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'openssl-'));
  try {
    await writeFile(join(cwd, 'tls.crt'), tlsCrt);
    await writeFile(join(cwd, 'ca.crt'), caCrt);
    const args = ['verify', '-CAfile', 'ca.crt', '-untrusted', 'tls.crt', 'tls.crt'];
    await promisify(execFile)('openssl', args, { cwd });
  } finally {
    await rm(cwd, { recursive: true });
  }
}
