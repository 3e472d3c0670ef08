// Makes dist/ambassador-consul-connector.js: one minified file that `node` runs with no node_modules and no package.json
// beside it. Another entry point and file may be named, as the bench does: node scripts/build.mjs ENTRY FILE
import { chmod, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { build } from 'esbuild';
import { licencesOf } from './licences.mjs';
import { inParts } from './parts.mjs';

const PROGRAM = 'src/main.ts';
const [ENTRY = PROGRAM, OUT = 'dist/ambassador-consul-connector.js'] = process.argv.slice(2);

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
  plugins: ENTRY === PROGRAM ? [inParts] : [],
  metafile: true,
  banner: {
    js: [
      '#!/usr/bin/env node',
      "var require = process.getBuiltinModule('node:module').createRequire(process.execPath);",
    ].join('\n'),
  },
});
await chmod(OUT, 0o755);
if (ENTRY === PROGRAM) await writeFile(`${dirname(OUT)}/LICENCES.txt`, await licencesOf(metafile));
const [{ bytes }] = Object.values(metafile.outputs);
console.log(`${OUT} ${(bytes / 1024).toFixed(0)} KiB`);
