import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporary } from '../../e2e/support/temporary.ts';

const folder = temporary();
/** Calls run concurrently: each has its own files. */
let calls = 0;

export type Purpose = 'sslclient' | 'sslserver';

/** The default of Debian and Ubuntu; OpenSSL's own is one level lower. */
const SECURITY_LEVEL = '2';

/**
 * The error of `openssl verify` for the first certificate of `tlsCrt` at `at` (milliseconds since the epoch), with the roots of
 * `caCrt` and the rest of `tlsCrt`; undefined if it is accepted.
 *
 * Without -partial_chain: every root of these tests is self-signed, so a path that ends before a root is a fault. Without
 * -x509_strict: it enforces rules of RFC 5280 that Consul violates (names of issuers, consul #16202) and that neither Envoy nor
 * Go enforces.
 */
export async function refusalOf(
  tlsCrt: string,
  caCrt: string,
  at: number,
  purpose: Purpose = 'sslclient',
): Promise<string | undefined> {
  calls += 1;
  const [tls, ca] = [`tls-${calls}.crt`, `ca-${calls}.crt`];
  await writeFile(join(folder, tls), tlsCrt);
  await writeFile(join(folder, ca), caCrt);
  const attime = String(Math.floor(at / 1_000));
  const trust = ['-no-CApath', '-no-CAstore', '-CAfile', ca, '-untrusted', tls];
  const judged = ['-auth_level', SECURITY_LEVEL, '-attime', attime, '-purpose', purpose];
  const args = ['verify', ...judged, ...trust, tls];
  return new Promise((resolve, reject) => {
    execFile('openssl', args, { cwd: folder }, (error, stdout, stderr) => {
      // 2 is a refusal; anything else means that openssl did not judge.
      if (error === null) resolve(undefined);
      else if (error.code === 2) resolve(stdout + stderr);
      else reject(error);
    });
  });
}
