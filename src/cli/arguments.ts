import { parseArgs } from 'node:util';
import { parseWait, WAIT_FORM } from '../config/validators.ts';

/** What a command line asks for. */
export type Command =
  | { readonly name: 'run' | 'once' | 'help' | 'version' }
  | {
      readonly name: 'check';
      readonly json: boolean;
      /** Undefined: one check, however it ends. */
      readonly waitMs?: number;
    }
  | { readonly name: 'render'; readonly showKey: boolean }
  | { readonly name: 'unusable'; readonly problem: string };

export function helpText(version: string): string {
  return `ambassador-consul-connector ${version}
Keeps an Ambassador gateway's Consul Connect identity in a Kubernetes Secret.

  ambassador-consul-connector [run]                        keep it, until SIGTERM or SIGINT
  ambassador-consul-connector once                         publish it once and exit (0: published or already current)
  ambassador-consul-connector check [--json] [--wait 60s]  say what is wrong and what to do; writes nothing
  ambassador-consul-connector render [--show-key]          print the manifests as they would be applied; writes nothing
  ambassador-consul-connector --help | --version

check --wait repeats the check until nothing fails or the time is over (1s to 10m), and prints the last report.
Everything is set by environment variables; .env.example in the sources lists them all.
Exit codes: 0 clean stop, 1 a command failed or a check is a FAIL, 2 bad configuration or usage.
`;
}

export function readArguments(args: readonly string[]): Command {
  const unknown: Command = { name: 'unusable', problem: `unknown arguments: ${args.join(' ')}` };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        json: { type: 'boolean' },
        wait: { type: 'string' },
        'show-key': { type: 'boolean' },
      },
    });
    if (values.help === true) return { name: 'help' };
    if (values.version === true) return { name: 'version' };
    const [name = 'run', ...rest] = positionals;
    const { json, wait, 'show-key': showKey } = values;
    if (rest.length > 0) return unknown;
    if (name === 'check' && showKey === undefined) return checkCommand(json === true, wait);
    if (name === 'render' && json === undefined && wait === undefined)
      return { name, showKey: showKey === true };
    const plain = json === undefined && wait === undefined && showKey === undefined;
    return plain && (name === 'run' || name === 'once') ? { name } : unknown;
  } catch {
    return unknown;
  }
}

function checkCommand(json: boolean, wait: string | undefined): Command {
  if (wait === undefined) return { name: 'check', json };
  const waitMs = parseWait(wait);
  if (waitMs === undefined) return { name: 'unusable', problem: `--wait ${wait}: must be ${WAIT_FORM}` };
  return { name: 'check', json, waitMs };
}
