// The licences of the packages in a bundle: most of them must be included with every copy.
import { readdir, readFile } from 'node:fs/promises';

/** The folder of a package from which esbuild has read a file. */
const PACKAGE = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i;

/** One text, with the packages sorted by name. @throws if a package has no licence */
export async function licencesOf({ inputs, outputs }) {
  const used = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const folders = new Set(
    used.filter((path) => path in inputs).flatMap((path) => PACKAGE.exec(path)?.[1] ?? []),
  );
  const texts = await Promise.all([...folders].sort().map(licenceOf));
  return texts.join('');
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const files = (await readdir(folder)).filter((file) => LICENCE.test(file)).sort();
  if (files.length === 0 && license === undefined) throw new Error(`${name} comes without a licence`);
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')));
  return [
    `${'='.repeat(80)}\n${name} ${version} (${license})\n`,
    ...texts.map((text) => `\n${text.trim()}\n`),
    '\n',
  ].join('');
}
