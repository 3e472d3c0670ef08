import { VARIABLE_HELP, VARIABLE_SECTIONS } from '../config/variable-help.ts';
import { withoutMarks, wrap } from '../lib/plain-text.ts';
import { COMMAND_NAMES, type CommandName, GLOBAL_OPTIONS, helpOf, type Option, PROGRAM } from './commands.ts';

const WIDTH = 100;
const EXIT_CODES =
  'Exit codes: 0 clean stop, 1 a command failed or a check is a FAIL, 2 bad configuration or usage.';

/** The output of `--help` without a command. */
export function helpText(version: string): string {
  const usages = COMMAND_NAMES.map((name) => [shortUsageOf(name), helpOf(name).summary] as const);
  const column = Math.max(...usages.map(([usage]) => usage.length)) + 2;
  const lines = usages.map(([usage, summary]) => `  ${usage.padEnd(column)}${summary}`);
  return `${PROGRAM} ${version}
Keeps an Ambassador gateway's Consul Connect identity in a Kubernetes Secret.

${lines.join('\n')}

With every command:
${optionLines(GLOBAL_OPTIONS)}

All settings are environment variables: ${PROGRAM} help env
${EXIT_CODES}
`;
}

/** The help of one command. */
export function commandHelp(name: CommandName): string {
  const { summary, details, options } = helpOf(name);
  const own = Object.keys(options).length === 0 ? '' : `\n${optionLines(options)}\n`;
  return `${usageOf(name)}

${wrap(`${name}: ${summary}`, WIDTH)}

${details.map((paragraph) => wrap(paragraph, WIDTH)).join('\n\n')}
${own}
With every command:
${optionLines(GLOBAL_OPTIONS)}
`;
}

/** Every variable with its default. */
export function environmentHelp(): string {
  const sections = VARIABLE_SECTIONS.map(({ title, note, names }) => {
    const variables = names.map((name) => {
      const { what, default: fallback } = VARIABLE_HELP[name];
      const beside = fallback === 'none' ? '' : `  default: ${withoutMarks(fallback)}`;
      return `  ${name}${beside}\n${wrap(withoutMarks(what), WIDTH, '      ')}\n`;
    });
    const below = note === undefined ? '' : `${wrap(withoutMarks(note), WIDTH, '  ')}\n\n`;
    return `${title}\n\n${below}${variables.join('')}`;
  });
  return `Environment variables. An empty one means the default.\n\n${sections.join('\n')}`;
}

function shortUsageOf(name: CommandName): string {
  const { options } = helpOf(name);
  return usage(name, Object.keys(options).length === 0 ? [] : ['[OPTION…]']);
}

function usageOf(name: CommandName): string {
  const { options } = helpOf(name);
  return usage(
    name,
    Object.entries(options).map(([option, { form }]) => `[${flagOf(option, form)}]`),
  );
}

function usage(name: CommandName, flags: readonly string[]): string {
  const { operand } = helpOf(name);
  const words = [
    name === 'run' ? '[run]' : name,
    ...flags,
    ...(operand === undefined ? [] : [operand.usage]),
  ];
  return `${PROGRAM} ${words.join(' ')}`;
}

function flagOf(option: string, form: string | undefined): string {
  return form === undefined ? `--${option}` : `--${option} ${form}`;
}

function optionLines(options: Readonly<Record<string, Option>>): string {
  return Object.entries(options)
    .map(([option, { what, form, short }]) => {
      const flag = `${short === undefined ? '' : `-${short}, `}${flagOf(option, form)}`;
      return `  ${flag.padEnd(22)}${what}`;
    })
    .join('\n');
}
