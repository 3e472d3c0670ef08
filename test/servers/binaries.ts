import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Printed by `get.sh --print-env`, which alone knows where to look and in which order. */
export type ServerBinary =
  | 'CONSUL'
  | 'ETCD'
  | 'KUBE_APISERVER'
  | 'KUBECTL'
  | 'NGINX'
  | 'HAPROXY'
  | 'PROMETHEUS'
  | 'PROMTOOL'
  | 'CHROMIUM'
  /** Not a program: the configuration that gives the browser its typeface. */
  | 'FONTS_CONF';

const GET_SCRIPT = fileURLToPath(new URL('./get.sh', import.meta.url));
let located: Map<string, string> | undefined;

/**
 * The path of a real server's program.
 *
 * @throws if one is missing: a test that needs a real server must fail, never be skipped unseen.
 */
export function binary(name: ServerBinary): string {
  located ??= locate();
  const path = located.get(name);
  if (path === undefined) throw new Error(`get.sh --print-env names no ${name}`);
  return path;
}

function locate(): Map<string, string> {
  let output: string;
  try {
    output = execFileSync('bash', [GET_SCRIPT, '--print-env'], { encoding: 'utf8', stdio: 'pipe' });
  } catch (cause) {
    throw new Error('The real servers of these tests are missing; get them with: bash test/servers/get.sh', {
      cause,
    });
  }
  const found = new Map<string, string>();
  for (const line of output.split('\n')) {
    const separator = line.indexOf('=');
    if (separator > 0) found.set(line.slice(0, separator), line.slice(separator + 1));
  }
  return found;
}
