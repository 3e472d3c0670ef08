export const PROGRAM = 'ambassador-consul-connector';

/** An option. It takes a value if it has a `form`, which is an example of one. */
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
  /** The operand as shown in the usage, and its possible values. */
  readonly operand?: { readonly usage: string; readonly words: readonly string[] };
}

/** Accepted by every command. */
export const GLOBAL_OPTIONS = {
  'env-file': { what: 'also read variables from this file; existing ones take precedence', form: 'FILE' },
  help: { what: 'print the help of the command and exit', short: 'h' },
  version: { what: 'print the version and exit', short: 'v' },
} as const satisfies Readonly<Record<string, Option>>;

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** The definition of all commands and options, for the parser, the help and the completion. */
export const COMMANDS = {
  run: {
    summary: 'run until SIGTERM or SIGINT (default)',
    details: [
      'The default command. Follows the roots and the leaf in Consul, and keeps the published identity current. It does not exit because of errors in Consul or Kubernetes: it reports them and retries.',
    ],
    options: {},
  },
  once: {
    summary: 'publish once and exit (0: published or already current)',
    details: ['Queries Consul once and writes only what has changed, for a CronJob or a script.'],
    options: {},
  },
  check: {
    summary: 'diagnose problems and name remedies; writes nothing',
    details: [
      'Checks each step from the configuration to the gateway. Rows are ordered from cause to effect: fix the first FAIL first. Exit code 0: there is no FAIL.',
    ],
    options: {
      json: { what: 'print the report as JSON' },
      wait: {
        what: 'repeat the check until nothing fails or the time is up (1s to 10m), then print the last report',
        form: '60s',
      },
      connect: {
        what: 'also try a handshake with a sidecar as the gateway would, and explain a refusal',
        form: 'HOST:PORT',
      },
      bundle: {
        what: 'write a bundle for a bug report to this file; it contains no secrets',
        form: 'FILE',
      },
    },
  },
  render: {
    summary: 'print the manifests as they would be applied; writes nothing',
    details: [
      'Without --show-key the private key is redacted: suitable for kubectl diff -f -, but not for apply.',
    ],
    options: { 'show-key': { what: 'include the private key' } },
  },
  help: {
    summary: 'print this help, the help of a command, or every variable',
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

/** The entry of COMMANDS as their common type. */
export function helpOf(name: CommandName): CommandHelp {
  return COMMANDS[name];
}
