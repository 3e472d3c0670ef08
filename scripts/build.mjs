// Makes dist/ambassador-consul-connector.js: one minified file that `node` runs with no node_modules and no package.json
// beside it. Another entry point and file may be named, as the bench does: node scripts/build.mjs ENTRY FILE
import { chmod } from 'node:fs/promises';
import { build } from 'esbuild';

const [ENTRY = 'src/main.ts', OUT = 'dist/ambassador-consul-connector.js'] = process.argv.slice(2);

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
  plugins: [treeShakeClientNode],
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
