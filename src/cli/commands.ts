export const PROGRAM = 'ambassador-consul-connector';

/** What an option takes: nothing, or a value, of which `form` is an example. */
export interface Option {
  readonly what: string;
  readonly form?: string;
  /** Its letter, as in `-h`. */
  readonly short?: string;
}

export interface CommandHelp {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Paragraphs of plain text. */
  readonly details: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** What may follow the command, as written in its usage. */
  readonly operand?: { readonly usage: string; readonly words: readonly string[] };
}

/** Of every command. */
export const GLOBAL_OPTIONS = {
  'env-file': { what: 'read variables from this file too; those that are set win', form: 'FILE' },
  help: { what: 'print the help of the command and exit', short: 'h' },
  version: { what: 'print the version and exit', short: 'v' },
} as const satisfies Readonly<Record<string, Option>>;

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** The one place that says which commands and options there are: the command line, the help and the completion follow it. */
export const COMMANDS = {
  run: {
    summary: 'keep it, until SIGTERM or SIGINT',
    details: [
      'The default. Follows the roots and the leaf of Consul, and keeps what is published as they are. It never ends over the state of Consul or Kubernetes: it says what is wrong, and tries again.',
    ],
    options: {},
  },
  once: {
    summary: 'publish it once and exit (0: published or already current)',
    details: ['Asks Consul once and writes what has to be written, for a CronJob or a script.'],
    options: {},
  },
  check: {
    summary: 'say what is wrong and what to do; writes nothing',
    details: [
      'Tries each step between the configuration and the gateway in the order of cause and effect. The first FAIL is the cause of those after it, and names what to do. Exit code 0: nothing fails.',
    ],
    options: {
      json: { what: 'print the report as JSON, for programs' },
      wait: {
        what: 'repeat the check until nothing fails or the time is over (1s to 10m), and print the last report',
        form: '60s',
      },
      connect: {
        what: 'shake hands with a sidecar too, as the gateway would, and say why it refuses',
        form: 'HOST:PORT',
      },
      bundle: {
        what: 'write what a bug report needs to this file; nothing in it is secret',
        form: 'FILE',
      },
    },
  },
  render: {
    summary: 'print the manifests as they would be applied; writes nothing',
    details: [
      'Without --show-key the private key is redacted, which is fit for kubectl diff -f - and not for apply.',
    ],
    options: { 'show-key': { what: 'print the private key too' } },
  },
  help: {
    summary: 'print this, the help of a command, or every variable',
    details: ['help env lists every environment variable with its default.'],
    options: {},
    operand: { usage: '[COMMAND | env]', words: ['run', 'once', 'check', 'render', 'completion', 'env'] },
  },
  completion: {
    summary: 'print a script that completes commands and options',
    details: ['For bash: source <(ambassador-consul-connector completion bash). For zsh the same with zsh.'],
    options: {},
    operand: { usage: SHELLS.join(' | '), words: SHELLS },
  },
} as const satisfies Readonly<Record<string, CommandHelp>>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS).filter(isCommandName);

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** The entry of COMMANDS, by the type that all of them share. */
export function helpOf(name: CommandName): CommandHelp {
  return COMMANDS[name];
}
