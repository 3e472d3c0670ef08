import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { binary } from './binaries.ts';
import { accepts, freePort } from './ports.ts';
import { type ServerProcess, startProcess } from './process.ts';

/** Where a request goes whose path begins with `/<name>`. */
export interface Upstream {
  readonly name: string;
  readonly port: number;
  /** The name its certificate is for, in the form in which the gateway can check it. */
  readonly tlsName: string;
}

/** What a gateway has from the published Secrets, as PEM. */
export interface GatewayFiles {
  readonly certificate: string;
  readonly privateKey: string;
  /** What the upstreams are verified by; only a gateway that verifies has one. */
  readonly bundle: string | undefined;
}

/** A real gateway on a loopback port, that enters the mesh with a client certificate out of files. */
export interface Gateway {
  readonly port: number;
  readonly verifiesUpstream: boolean;
  /** Reloads it gracefully with other files. They get names of their own, as in Ambassador, so no set is ever mixed. */
  reload(files: GatewayFiles): Promise<void>;
  /** What the gateway said of itself. */
  output(): string;
  stop(): Promise<void>;
}

/** One kind of gateway: its configuration, and how it is started and reloaded. */
export interface Kind {
  readonly program: 'NGINX' | 'HAPROXY';
  readonly verifiesUpstream: boolean;
  readonly signal: NodeJS.Signals;
  args(folder: string, configFile: string): readonly string[];
  config(setting: Setting): string;
  /** Which files to write. */
  files(files: GatewayFiles): Readonly<Record<string, string>>;
}

export interface Setting {
  readonly folder: string;
  readonly port: number;
  readonly upstreams: readonly Upstream[];
  /** The path of one of the files of this reload. */
  file(name: string): string;
}

/** nginx without a daemon, under the user of the test. */
export function nginxKind(
  part: Pick<Kind, 'verifiesUpstream' | 'files'> & { http(setting: Setting): string },
): Kind {
  return {
    program: 'NGINX',
    verifiesUpstream: part.verifiesUpstream,
    signal: 'SIGHUP',
    args: (folder, configFile) => ['-p', folder, '-c', configFile, '-e', 'stderr'],
    files: part.files,
    config: (setting) => `
daemon off;
user ${userInfo().username};
worker_processes 1;
pid ${setting.folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 8192; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${setting.folder}/${name};`)
    .join(' ')}
  ${part.http(setting)}
}
`,
  };
}

// Each request upstream gets a connection and a full handshake of its own, and nothing is tried twice: an identity that
// does not work shows at once, and in every request.
const NGINX = nginxKind({
  verifiesUpstream: true,
  files: ({ certificate, privateKey, bundle = '' }) => ({ crt: certificate, key: privateKey, ca: bundle }),
  http: ({ port, upstreams, file }) => `
  proxy_ssl_certificate ${file('crt')};
  proxy_ssl_certificate_key ${file('key')};
  proxy_ssl_trusted_certificate ${file('ca')};
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 4;
  proxy_ssl_session_reuse off;
  server {
    listen 127.0.0.1:${port};
    ${upstreams
      .map(
        ({ name, port: to, tlsName }) =>
          `location /${name} { proxy_pass https://127.0.0.1:${to}; proxy_ssl_name ${tlsName}; }`,
      )
      .join('\n    ')}
  }`,
});

const HAPROXY: Kind = {
  program: 'HAPROXY',
  verifiesUpstream: false,
  signal: 'SIGUSR2',
  args: (_, configFile) => ['-W', '-f', configFile],
  files: ({ certificate, privateKey }) => ({ pem: certificate + privateKey }),
  config: ({ port, upstreams, file }) => `
global
  nbthread 1
  log stderr local0 notice
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
  retries 0
  option httpclose
frontend gateway
  bind 127.0.0.1:${port}
  ${upstreams.map(({ name }) => `use_backend ${name} if { path_beg /${name} }`).join('\n  ')}
${upstreams
  .map(
    ({ name, port: to }) => `backend ${name}
  http-reuse never
  server sidecar 127.0.0.1:${to} ssl verify none no-ssl-reuse crt ${file('pem')}`,
  )
  .join('\n')}
`,
};

/** nginx, which verifies its upstreams by the bundle and by name. */
export const startNginx = (upstreams: readonly Upstream[], files: GatewayFiles) =>
  startGateway(NGINX, upstreams, files);

/** HAProxy, which verifies nothing upstream, as the seed's TLSContext makes Ambassador do. */
export const startHaproxy = (upstreams: readonly Upstream[], files: GatewayFiles) =>
  startGateway(HAPROXY, upstreams, files);

export async function startGateway(
  kind: Kind,
  upstreams: readonly Upstream[],
  first: GatewayFiles,
): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const configFile = join(folder, 'gateway.conf');
  const port = await freePort();
  let set = 0;

  async function write(files: GatewayFiles): Promise<void> {
    set += 1;
    const setFolder = join(folder, `set-${set}`);
    await mkdir(setFolder);
    const file = (name: string) => join(setFolder, name);
    for (const [name, text] of Object.entries(kind.files(files))) await writeFile(file(name), text);
    await writeFile(configFile, kind.config({ folder, port, upstreams, file }));
  }

  await write(first);
  const server: ServerProcess = await startProcess(binary(kind.program), kind.args(folder, configFile));
  await server.waitUntil(() => accepts(port));
  return {
    port,
    verifiesUpstream: kind.verifiesUpstream,
    async reload(files) {
      await write(files);
      process.kill(server.pid, kind.signal);
    },
    output: () => server.output(),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
