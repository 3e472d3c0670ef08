// Makes dist/ambassador-consul-connector.js: one minified file that `node` runs with no node_modules and no package.json
// beside it. Another entry point and file may be named, as the bench does: node scripts/build.mjs ENTRY FILE
import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROGRAM = 'src/main.ts';
const [ENTRY = PROGRAM, OUT = 'dist/ambassador-consul-connector.js'] = process.argv.slice(2);

/** client-node declares no `sideEffects`; only its KubeConfig is used, so what it drags along can be dropped. */
const treeShakeClientNode = {
  name: 'tree-shake-client-node',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === 'resolving' || !rest.resolveDir) return undefined;
      const isClientNode =
        /@kubernetes[\\/]client-node/.test(rest.resolveDir) || path === '@kubernetes/client-node';
      if (!isClientNode) return undefined;
      const resolved = await resolve(path, { ...rest, pluginData: 'resolving' });
      return resolved.path.includes('client-node') ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};

/**
 * Packages of which only parts go into the program, since what they load besides is a third of its start
 * (docs/cost.md). The files in parts/ name paths inside them; versions are pinned, and a path that is gone fails the build.
 */
const PARTS = {
  undici: 'undici.cjs',
  'prom-client': 'prom-client.cjs',
  hpagent: 'no-agents.cjs',
  socks: 'no-agents.cjs',
  'socks-proxy-agent': 'no-agents.cjs',
};
/** Not esbuild's `alias`, which would take the paths inside the packages too. */
const inParts = {
  name: 'in-parts',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${Object.keys(PARTS).join('|')})$`) }, ({ path }) => ({
      path: fileURLToPath(new URL(`parts/${PARTS[path]}`, import.meta.url)),
    }));
  },
};

const { metafile } = await build({
  entryPoints: [ENTRY],
  outfile: OUT,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node20',
  // Neither ES module nor CommonJS but valid as both: which of the two Node 20.18 takes it for depends on the
  // package.json above it, and there may be none.
  format: 'iife',
  legalComments: 'none',
  // The baseline of the bench has undici whole, as anyone who writes such a script would.
  plugins: ENTRY === PROGRAM ? [inParts, treeShakeClientNode] : [],
  metafile: true,
  banner: {
    js: [
      '#!/usr/bin/env node',
      "var require = process.getBuiltinModule('node:module').createRequire(process.execPath);",
    ].join('\n'),
  },
});
await chmod(OUT, 0o755);
const [{ bytes }] = Object.values(metafile.outputs);
console.log(`${OUT} ${(bytes / 1024).toFixed(0)} KiB`);
