// Packages that are bundled in part, because loading the rest would take a third of the start-up time (docs/performance.md).
// The files in parts/ name paths inside of them; versions are pinned, and a missing path fails the build.
import { fileURLToPath } from 'node:url';

const CLIENT_NODE = {
  '@kubernetes/client-node': 'client-node.mjs',
  './gen/index.js': 'no-api-client.cjs',
  './gen/rxjsStub.js': 'no-api-client.cjs',
  './azure_auth.js': 'no-auth-provider.cjs',
  './gcp_auth.js': 'no-auth-provider.cjs',
  './oidc_auth.js': 'no-auth-provider.cjs',
  './exec_auth.js': 'no-auth-provider.cjs',
};
const PARTS = {
  ...CLIENT_NODE,
  undici: 'undici.cjs',
  'prom-client': 'prom-client.cjs',
  hpagent: 'no-agents.cjs',
  socks: 'no-agents.cjs',
  'socks-proxy-agent': 'no-agents.cjs',
};

/** Modules that client-node imports but the program does not use: loading them takes a tenth of the start-up time. */
const UNUSED_BY_CLIENT_NODE = { 'node:child_process': 'unused.cjs', 'node:https': 'unused.cjs' };
/** By the importing package: what it loads for features that the program does not use. */
const UNUSED = {
  '@kubernetes/client-node': { ...UNUSED_BY_CLIENT_NODE, 'js-yaml': 'json-only.cjs' },
  undici: { './client-h2.js': 'no-http2.cjs' },
  pino: {
    './transport': 'no-pino-transport.cjs',
    './lib/transport': 'no-pino-transport.cjs',
    'sonic-boom': 'no-pino-transport.cjs',
    'on-exit-leak-free': 'unused.cjs',
    worker_threads: 'unused.cjs',
  },
};

export const inParts = { name: 'in-parts', setup: replacing(PARTS, UNUSED) };
/** For tests, which use the other packages completely. */
export const clientNodeInParts = {
  name: 'client-node-in-parts',
  setup: replacing(CLIENT_NODE, { '@kubernetes/client-node': UNUSED_BY_CLIENT_NODE }),
};

/** Not esbuild's `alias`, which would also replace paths inside of the packages. */
function replacing(parts, unused) {
  return ({ onResolve }) => {
    replace(onResolve, parts, () => true);
    for (const [importingPackage, names] of Object.entries(unused))
      replace(onResolve, names, ({ importer }) => importer.includes(`/node_modules/${importingPackage}/`));
  };
}

function replace(onResolve, parts, fits) {
  const names = Object.keys(parts).map((name) => name.replaceAll('.', '\\.'));
  onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, (found) =>
    fits(found) ? { path: fileURLToPath(new URL(`parts/${parts[found.path]}`, import.meta.url)) } : undefined,
  );
}
