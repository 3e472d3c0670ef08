import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Running, run } from './process.ts';

const MODULE = 'github.com/hashicorp/consul-template';
const VERSION = 'v0.41.1';
const CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'ambassador-consul-connector');

/**
 * The program, built from its Go module if it is not in the cache of the real servers (test/fixtures/servers).
 *
 * @throws Error if it cannot be built
 */
export async function consulTemplate(): Promise<string> {
  const program = join(CACHE, 'bin', `consul-template-${VERSION}`);
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  await mkdir(join(CACHE, 'bin'), { recursive: true });
  const work = await mkdtemp(join(CACHE, 'bench.'));
  try {
    console.error(`building ${MODULE}@${VERSION}, which takes a minute or two`);
    const env = { ...process.env, GOBIN: work, GOWORK: 'off', CGO_ENABLED: '0' };
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags=-s -w', `${MODULE}@${VERSION}`], {
      env,
    });
    await rename(join(work, 'consul-template'), program);
  } finally {
    await rm(work, { recursive: true });
  }
  return program;
}

export interface Template {
  readonly contents: string;
  readonly destination: string;
  readonly perms: string;
  /** Run after each write. */
  readonly command?: readonly string[];
}

const LEAF = 'caLeaf "ambassador"';
const ROOTS = '{{ range caRoots }}{{ .RootCertPEM }}{{ end }}';
const PRIVATE = '0600';

/** The three files of a folder. */
export function filesIn(folder: string): Template[] {
  const file = (name: string, contents: string): Template => ({
    contents,
    destination: join(folder, name),
    perms: PRIVATE,
  });
  return [
    file('tls.key', `{{ with ${LEAF} }}{{ .PrivateKeyPEM }}{{ end }}`),
    file('tls.crt', `{{ with ${LEAF} }}{{ .CertPEM }}{{ end }}`),
    file('ca.crt', ROOTS),
  ];
}

const MANIFEST = `{{ $ca := "" }}{{ range caRoots }}{{ $ca = print $ca .RootCertPEM }}{{ end }}apiVersion: v1
kind: Secret
metadata: { name: ambassador-consul-connect }
type: kubernetes.io/tls
data:
{{ with ${LEAF} }}  tls.crt: {{ .CertPEM | base64Encode }}
  tls.key: {{ .PrivateKeyPEM | base64Encode }}
{{ end }}  ca.crt: {{ $ca | base64Encode }}
`;

/** A manifest in a folder, and kubectl to apply it. */
export function manifestIn(folder: string, kubectl: readonly string[]): Template[] {
  const destination = join(folder, 'secret.yaml');
  const command = [...kubectl, 'apply', '-f', destination];
  return [{ contents: MANIFEST, destination, perms: PRIVATE, command }];
}

/** @param folder for its configuration, and for kubectl's cache */
export function startConsulTemplate(
  program: string,
  folder: string,
  consul: string,
  templates: readonly Template[],
): Running {
  const config = join(folder, 'config.json');
  // By default it passes SIGTERM on, and ends only by SIGINT.
  const settings = { consul: { address: consul }, kill_signal: 'SIGTERM', template: templates };
  writeFileSync(config, JSON.stringify(settings));
  return run({
    name: 'consul-template',
    command: program,
    args: [`-config=${config}`, '-log-level=err'],
    cwd: folder,
    env: { HOME: folder, PATH: process.env['PATH'] ?? '' },
  });
}
