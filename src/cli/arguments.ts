import { parseArgs } from 'node:util';
import { parseHostAndPort, parseWait, WAIT_FORM } from '../config/validators.ts';
import { nearestWord } from '../lib/spelling.ts';
import {
  COMMAND_NAMES,
  type CommandName,
  GLOBAL_OPTIONS,
  helpOf,
  isCommandName,
  type Option,
  SHELLS,
  type Shell,
} from './commands.ts';

/** A parsed command. */
export type Command =
  | { readonly name: 'run' | 'once' | 'version' }
  | {
      readonly name: 'check';
      readonly json: boolean;
      /** How long to repeat the check until nothing fails, in milliseconds; undefined: check once. */
      readonly waitMs?: number;
      /** The sidecar for a test handshake. */
      readonly sidecar?: { readonly host: string; readonly port: number };
      /** The file for the bug report bundle. */
      readonly bundle?: string;
    }
  | { readonly name: 'render'; readonly showKey: boolean }
  | { readonly name: 'help'; readonly about: CommandName | 'env' | undefined }
  | { readonly name: 'completion'; readonly shell: Shell };

/** A valid command line, or its problem in a sentence that names the argument. */
export type CommandLine =
  | { readonly command: Command; readonly envFile: string | undefined }
  | { readonly problem: string };

type Values = Readonly<Record<string, string | true>>;

export function readArguments(args: readonly string[]): CommandLine {
  const { tokens } = parseArgs({ args: [...args], strict: false, tokens: true, options: parsedOptions() });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const [name = 'run', ...operands] = words;
  if (!isCommandName(name)) return { problem: `unknown command: ${name}${didYouMean(name, COMMAND_NAMES)}` };
  const options: Readonly<Record<string, Option>> = { ...helpOf(name).options, ...GLOBAL_OPTIONS };
  const values: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    const problem = optionProblem(token, name, option, Object.keys(options));
    if (problem !== undefined) return { problem };
    values[token.name] = token.value ?? true;
  }
  const envFile = values['env-file'];
  const command = commandOf(name, operands, values);
  return 'problem' in command ? command : { command, envFile: envFile === true ? undefined : envFile };
}

function parsedOptions(): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  const all = COMMAND_NAMES.flatMap((name) => Object.entries(helpOf(name).options));
  const parsed = [...all, ...Object.entries<Option>(GLOBAL_OPTIONS)].map(([name, { form, short }]) => {
    const type: 'string' | 'boolean' = form === undefined ? 'boolean' : 'string';
    return [name, short === undefined ? { type } : { type, short }] as const;
  });
  return Object.fromEntries(parsed);
}

function optionProblem(
  { rawName, value }: { readonly rawName: string; readonly value: string | undefined },
  command: CommandName,
  option: Option | undefined,
  known: readonly string[],
): string | undefined {
  if (option === undefined) {
    const flags = known.map((name) => `--${name}`);
    return `unknown option of ${command}: ${rawName}${didYouMean(rawName, flags)}`;
  }
  if (option.form === undefined) return value === undefined ? undefined : `${rawName} takes no value`;
  if (value !== undefined && value !== '' && !value.startsWith('--')) return undefined;
  return `${rawName} needs a value, as in ${rawName} ${option.form}`;
}

function commandOf(
  name: CommandName,
  operands: readonly string[],
  values: Values,
): Command | { readonly problem: string } {
  if (values['help'] === true) return { name: 'help', about: name === 'run' ? undefined : name };
  if (values['version'] === true) return { name: 'version' };
  const [operand, ...more] = operands;
  const words = helpOf(name).operand?.words ?? [];
  if (operand !== undefined && !words.includes(operand)) {
    return { problem: `unexpected argument of ${name}: ${operand}${didYouMean(operand, words)}` };
  }
  if (more[0] !== undefined) return { problem: `unexpected argument of ${name}: ${more[0]}` };
  switch (name) {
    case 'check':
      return checkCommand(values);
    case 'render':
      return { name, showKey: values['show-key'] === true };
    case 'help':
      return {
        name,
        about: operand === 'env' || (operand !== undefined && isCommandName(operand)) ? operand : undefined,
      };
    case 'completion': {
      const shell = SHELLS.find((each) => each === operand);
      return shell === undefined
        ? { problem: `completion needs a shell: ${SHELLS.join(' or ')}` }
        : { name, shell };
    }
    default:
      return { name };
  }
}

function checkCommand({ json, wait, connect, bundle }: Values): Command | { readonly problem: string } {
  const waitMs = typeof wait === 'string' ? parseWait(wait) : undefined;
  if (typeof wait === 'string' && waitMs === undefined)
    return { problem: `--wait ${wait}: must be ${WAIT_FORM}` };
  const sidecar = typeof connect === 'string' ? parseHostAndPort(connect) : undefined;
  if (typeof connect === 'string' && sidecar === undefined)
    return { problem: `--connect ${connect}: must be host:port or [v6]:port` };
  return {
    name: 'check',
    json: json === true,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(sidecar === undefined ? {} : { sidecar }),
    ...(typeof bundle === 'string' ? { bundle } : {}),
  };
}

function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearestWord(word, known, Math.min(3, Math.ceil(word.length / 2)));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}
