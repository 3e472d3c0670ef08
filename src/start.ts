/**
 * The entry point of the bundle. It loads the program, which the bundle contains as a comment (scripts/build.mjs). Compilation is
 * half of the start-up time, so V8's code cache is kept for the next start. Without a cache, a start only takes longer.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { debuglog } from 'node:util';
import { Script } from 'node:vm';

/** The SHA-256 of the program, because V8 compares only its length. Set by the build. */
declare const PROGRAM_ID: string;
/** The markers around the program, and the replacement for the end of a comment in it. Set by the build. */
declare const PROGRAM_BEGIN: string;
declare const PROGRAM_END: string;
declare const COMMENT_END: string;

const DIGEST_BYTES = 32;
const OTHERS_MAY_WRITE = 0o022;
/** A process that only prints its version compiles too little for its cache to help a daemon. */
const WORTH_KEEPING_AFTER_S = 2;

const main: unknown = scriptOfProgram().runInThisContext();
if (typeof main === 'function') main(createRequire(process.execPath));

/** A separate function, so that the source text and the cache can be garbage-collected. */
function scriptOfProgram(): Script {
  const file = realpathSync(process.argv[1] ?? '');
  const text = readFileSync(file, 'latin1');
  const begin = text.lastIndexOf(PROGRAM_BEGIN) + PROGRAM_BEGIN.length;
  const program = text.slice(begin, text.lastIndexOf(PROGRAM_END)).replaceAll(COMMENT_END, '*/');
  const folder = cacheFolder();
  const cache = folder && join(folder, `${PROGRAM_ID}-${tagOfNode()}.bin`);
  const cachedData = cache === undefined ? undefined : readCode(cache);
  const lineOffset = text.slice(0, begin).split('\n').length - 1;
  const known = cachedData === undefined ? {} : { cachedData };
  const script = new Script(program, { filename: file, lineOffset, ...known });
  const isAccepted = script.cachedDataRejected === false;
  debuglog('compiled')('%s was %s', cache, isAccepted ? 'accepted' : 'not accepted');
  if (cache !== undefined && !isAccepted) keepCode(cache, script);
  return script;
}

/** Written at exit, so that the cache includes the functions that were compiled lazily. */
function keepCode(cache: string, script: Script): void {
  process.once('exit', () => {
    if (process.uptime() >= WORTH_KEEPING_AFTER_S) writeCode(cache, script.createCachedData());
  });
}

/**
 * V8 itself rejects code from another version, with other flags or for another processor. NODE_OPTIONS is left out: it has few
 * V8 flags, and in the image it differs from its value when the code was compiled.
 */
function tagOfNode(): string {
  const { version, arch, execArgv } = process;
  const text = JSON.stringify([version, arch, execArgv]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Node's own variables set the folder or disable the cache. The default is in the user's cache folder. */
function cacheFolder(): string | undefined {
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  if (NODE_DISABLE_COMPILE_CACHE) return undefined;
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  const caches = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return caches ? join(caches, 'ambassador-consul-connector', 'compiled') : undefined;
}

/** Undefined unless the file is complete and only root or this user could have written it: its content is executed. */
function readCode(path: string): Buffer | undefined {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const { uid, mode } = fstatSync(descriptor);
      const isTrusted = (uid === 0 || uid === process.geteuid?.()) && (mode & OTHERS_MAY_WRITE) === 0;
      if (!isTrusted) return undefined;
      const bytes = readFileSync(descriptor);
      const code = bytes.subarray(DIGEST_BYTES);
      return bytes.subarray(0, DIGEST_BYTES).equals(digestOf(code)) ? code : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** Replaced by rename, because other processes may read or write it. Caches of other builds are removed. */
function writeCode(path: string, code: Buffer): void {
  try {
    const into = dirname(path);
    mkdirSync(into, { recursive: true, mode: 0o700 });
    const temporary = `${path}.${randomUUID()}`;
    writeFileSync(temporary, Buffer.concat([digestOf(code), code]), { mode: 0o600 });
    renameSync(temporary, path);
    for (const name of readdirSync(into)) {
      const isOld = /^[\da-f]{64}-[\da-f]{16}\.bin$/.test(name) && !name.startsWith(PROGRAM_ID);
      if (isOld) rmSync(join(into, name), { force: true });
    }
  } catch {
    // The next start takes as long as this one.
  }
}

function digestOf(code: Buffer): Buffer {
  return createHash('sha256').update(code).digest();
}
