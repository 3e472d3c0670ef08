/**
 * A demo with nothing installed: `npm run demo`.
 *
 * Runs a development Consul and the shipped daemon, publishes into a folder, and prints what happens. `--embedded` ignores a
 * `consul` in PATH; DEMO_SECONDS is the duration; _OUTPUT_DIR is the folder.
 */
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Child, startChild } from './demo/child.ts';
import { type DevConsul, startDevConsul } from './demo/dev-consul.ts';
import { type LogLine, Story } from './demo/story.ts';
import { hasKeyboard, readKeys, styled } from './demo/terminal.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const DEFAULT_FOLDER = fileURLToPath(new URL('../out', import.meta.url));
const DEFAULT_SECONDS = 60;
const SHORTEST_LEAF_MS = 5_000;
/** The limit of the start on a slow machine, before the duration of the demo begins. */
const MAX_START_MS = 60_000;

const { values: options } = parseArgs({ options: { embedded: { type: 'boolean', default: false } } });
const code = await demo(readSeconds(), process.env['_OUTPUT_DIR'] || DEFAULT_FOLDER);
// Not `exitCode`: Node removes its signal handlers before it exits, so a further Ctrl-C would kill the demo.
process.exit(code);

async function demo(seconds: number, folder: string): Promise<number> {
  // The files of an earlier demo belong to a Consul that is gone; a configured folder is not removed.
  if (folder === DEFAULT_FOLDER) await rm(folder, { recursive: true, force: true });
  const leafTtlMs = Math.max(SHORTEST_LEAF_MS, seconds * 300);
  console.log(styled(`Ambassador Consul Connector: a demo of ${seconds} s`, 'bold'));
  console.log(
    hasKeyboard() ? 'r rotates the root of the mesh now, q or Ctrl-C ends it\n' : 'Ctrl-C ends it\n',
  );
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

  const consul = await startDevConsul({
    port: 0,
    leafTtlMs,
    leafDelayMs: Math.max(500, seconds * 50),
    embedded: options.embedded,
  });
  const daemon = startChild(process.execPath, ['--import', 'tsx', MAIN], environment(consul, folder));
  introduce(consul, daemon, folder, leafTtlMs);

  const story = new Story(shown(folder));
  let timers = [setTimeout(end, MAX_START_MS)];
  const giveKeysBack = readKeys((key) => {
    if (key === 'q' || key === '\u0003') end();
    if (key === 'r') rotate(consul, story, 'by the key');
  });
  let printed = Promise.resolve();
  daemon.onLine((line) => {
    printed = printed.then(async () => {
      await story.print(parseLine(line));
      if (story.tally.writes === 0 || timers.length > 1 || ended.signal.aborted) return;
      timers.forEach(clearTimeout);
      timers = [
        setTimeout(end, seconds * 1000),
        setTimeout(() => rotate(consul, story, 'by the timer'), (seconds * 1000) / 3),
      ];
      sayWhereToLook(folder);
    });
  });

  const died = await Promise.race([daemon.exited, aborted(ended.signal)]);
  timers.forEach(clearTimeout);
  giveKeysBack();
  if (died === undefined) await daemon.stop();
  await printed;
  await consul.stop();
  if (died !== undefined && !ended.signal.aborted) {
    console.error(`\nthe connector exited by itself (${died})\n${daemon.complaints()}`);
    return 1;
  }
  sumUp(story, folder);
  return 0;
}

/** The daemon's own environment: settings for a real Consul must not affect the demo. */
function environment({ host, port }: DevConsul, folder: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^_?CONSUL_/.test(name));
  return {
    ...Object.fromEntries(inherited),
    _CONSUL_HOST: host,
    _CONSUL_PORT: String(port),
    _OUTPUT_DIR: folder,
    _HTTP_HOST: '127.0.0.1',
    _HTTP_PORT: '0',
    _LOG_LEVEL: 'info',
  };
}

function introduce(consul: DevConsul, daemon: Child, folder: string, leafTtlMs: number): void {
  console.log(`Consul     ${consul.description}`);
  console.log(`           http://${consul.host}:${consul.port}`);
  console.log(
    consul.kind === 'embedded'
      ? `           its leaves live ${Math.round(leafTtlMs / 1000)} s, so that renewals can be seen; Consul's default is 72 h`
      : '           its leaves live 72 h: you will see the rotation but no renewal (npm run demo -- --embedded shows both)',
  );
  console.log(`Connector  ${relative('', MAIN)}, pid ${daemon.pid}`);
  console.log(`Publishes  into ${shown(folder)}/\n`);
}

function sayWhereToLook(folder: string): void {
  const at = (name: string): string => join(shown(folder), name);
  console.log(`
           Look, in another terminal:
             openssl x509 -in ${at('tls.crt')} -noout -ext subjectAltName -dates
             openssl verify -CAfile ${at('ca.crt')} -untrusted ${at('tls.crt')} ${at('tls.crt')}
             grep ambassador-consul-connector/ ${at('secret.yaml')}; cat ${at('service.yaml')}
`);
}

function rotate(consul: DevConsul, story: Story, by: string): void {
  story.tally.rotations += 1;
  story.say('rotation', `Consul gets a new root, ${by}; its new leaf follows`, 'cyan');
  if (consul.kind === 'real') story.more('Consul spreads new leaves over up to 30 s');
  consul
    .rotateRoot()
    .catch((error: unknown) => story.say('problem', `the rotation failed: ${String(error)}`, 'yellow'));
}

function sumUp({ tally }: Story, folder: string): void {
  const { renewals, rotations, bundlesAlone, writes } = tally;
  console.log(
    `\nIn all: ${counted(writes, 'write')}, of which ${bundlesAlone} of ca.crt alone; ${counted(renewals, 'renewal')}, ${counted(rotations, 'rotation')}.`,
  );
  console.log(`What was published last is in ${shown(folder)}/; next: the README on how to install it.`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { level: 'warn', msg: line };
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function shown(folder: string): string {
  const short = relative('', folder);
  return short === '' || short.startsWith('..') ? folder : short;
}

function readSeconds(): number {
  const seconds = Number(process.env['DEMO_SECONDS'] || DEFAULT_SECONDS);
  if (seconds >= 1 && seconds <= 86_400) return seconds;
  console.error('DEMO_SECONDS must be a number of seconds from 1 to 86400');
  process.exit(2);
}
