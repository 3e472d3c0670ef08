// Makes dist/ambassador-consul-connector.js: one minified ESM file that `node` runs with no node_modules beside it.
import { chmod, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const OUT = 'dist/ambassador-consul-connector.js';

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

await rm('dist', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ['src/main.ts'],
  outfile: OUT,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'none',
  plugins: [treeShakeClientNode],
  metafile: true,
  banner: {
    js: [
      '#!/usr/bin/env node',
      // Bundled CommonJS packages call require for Node's own modules, which an ES module does not have.
      "import { createRequire as __createRequire } from 'node:module';",
      'const require = __createRequire(import.meta.url);',
    ].join('\n'),
  },
});
await chmod(OUT, 0o755);
const { bytes } = metafile.outputs[OUT];
console.log(`${OUT} ${(bytes / 1024).toFixed(0)} KiB`);
