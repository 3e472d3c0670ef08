// Preloaded by every daemon that a test starts. The image's Node caches compiled code by itself; Node 20 does not, and
// compiling the bundle for each of some two hundred daemons takes a tenth of `npm test`.
const { createHash, randomUUID } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const FOLDER = join(__dirname, '../../../node_modules/.cache/compiled');
const BUNDLE = 'ambassador-consul-connector.js';
/** Node and its script: only a daemon writes the cache, as the other commands run little of the bundle. */
const ARGUMENTS_OF_A_DAEMON = 2;
const compile = Module.prototype._compile;

Module.prototype._compile = function (content, filename, ...rest) {
  if (!filename.endsWith(BUNDLE)) return compile.call(this, content, filename, ...rest);
  // V8 compares only the length of the source.
  const key = createHash('sha256').update(process.version).update(content).digest('hex');
  const cache = join(FOLDER, `${key}.bin`);
  const cachedData = read(cache);
  const script = new Script(Module.wrap(content.replace(/^#!.*/, '')), { filename, cachedData });
  if (cachedData === undefined && process.argv.length === ARGUMENTS_OF_A_DAEMON) {
    // On exit, so that lazily compiled functions are included.
    process.once('exit', () => write(cache, script.createCachedData()));
  }
  return script.runInThisContext().call(this.exports, this.exports, require, this, filename, __dirname);
};

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** By rename: other daemons may be reading or writing it. */
function write(path, data) {
  mkdirSync(FOLDER, { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  writeFileSync(temporary, data);
  renameSync(temporary, path);
}
