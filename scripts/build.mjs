// Builds dist/ambassador-consul-connector.js: one minified file that `node` runs without node_modules and package.json. The bench
// builds other programs in the same way: node scripts/build.mjs ENTRY FILE [--plain]
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { licencesOf } from './licences.mjs';
import { inParts } from './parts.mjs';

const PROGRAM = 'src/main.ts';
const { values, positionals } = parseArgs({
  allowPositionals: true,
  // Without src/start.ts, which keeps compiled code.
  options: { plain: { type: 'boolean', default: false } },
});
const [entry = PROGRAM, file = 'dist/ambassador-consul-connector.js'] = positionals;

// Valid as both an ES module and CommonJS: which of the two Node 20.18 assumes depends on a package.json in a parent folder, and
// there may be none.
const OWN_REQUIRE = "var require=process.getBuiltinModule('node:module').createRequire(process.execPath);";
// As a comment the program is skipped; compiling it as a function that is never called would take 28 ms.
const PROGRAM_BEGIN = '/*PROGRAM\n';
const PROGRAM_END = '\n*/\n';
const COMMENT_END = '*\u0001/';

const { text: program, metafile } = await bundle(entry, {
  plugins: entry === PROGRAM ? [inParts] : [],
  ...(values.plain ? {} : { banner: { js: '(function(require){' }, footer: { js: '})' } }),
});
// src/start.ts reads the program as Latin-1, and V8 stores a text with one wider character in two bytes per character. esbuild
// escapes such characters, except in tagged templates.
if (/[^\0-\x7f]/.test(program)) throw new Error('the program contains a non-ASCII character: escape it');
await mkdir(dirname(file), { recursive: true });
await writeFile(file, values.plain ? `#!/usr/bin/env node\n${OWN_REQUIRE}${program}` : await withStart());
await chmod(file, 0o755);
if (entry === PROGRAM) await writeFile(`${dirname(file)}/LICENCES.txt`, await licencesOf(metafile));
console.log(`${file} ${(Buffer.byteLength(program) / 1024).toFixed(0)} KiB`);

async function withStart() {
  for (const mark of [PROGRAM_BEGIN, COMMENT_END])
    if (program.includes(mark)) throw new Error(`the program contains the mark ${JSON.stringify(mark)}`);
  const id = createHash('sha256').update(program).digest('hex');
  const texts = { PROGRAM_ID: id, PROGRAM_BEGIN, PROGRAM_END, COMMENT_END };
  const define = Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, JSON.stringify(text)]),
  );
  const { text: start } = await bundle('src/start.ts', { define, banner: { js: OWN_REQUIRE } });
  const comment = PROGRAM_BEGIN + program.replaceAll('*/', COMMENT_END) + PROGRAM_END;
  return `#!/usr/bin/env node\n${start}${comment}`;
}

async function bundle(entryPoint, options) {
  const { metafile, outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'iife',
    legalComments: 'none',
    metafile: true,
    ...options,
  });
  return { text: outputFiles[0].text.trimEnd(), metafile };
}
