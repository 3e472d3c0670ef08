import { parseArgs } from 'node:util';

/** What a command line asks for. */
export type Command =
  | { readonly name: 'run' | 'once' | 'help' | 'version' }
  | { readonly name: 'check'; readonly json: boolean }
  | { readonly name: 'render'; readonly showKey: boolean };

export function helpText(version: string): string {
  return `ambassador-consul-connector ${version}
Keeps an Ambassador gateway's Consul Connect identity in a Kubernetes Secret.

  ambassador-consul-connector [run]                keep it, until SIGTERM or SIGINT
  ambassador-consul-connector once                 publish it once and exit (0: published or already current)
  ambassador-consul-connector check [--json]       say what is wrong and what to do; writes nothing
  ambassador-consul-connector render [--show-key]  print the manifests as they would be applied; writes nothing
  ambassador-consul-connector --help | --version

Everything is set by environment variables; .env.example in the sources lists them all.
Exit codes: 0 clean stop, 1 a command failed or a check is a FAIL, 2 bad configuration or usage.
`;
}

/** Undefined: the arguments mean nothing. */
export function readArguments(args: readonly string[]): Command | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        json: { type: 'boolean' },
        'show-key': { type: 'boolean' },
      },
    });
    if (values.help === true) return { name: 'help' };
    if (values.version === true) return { name: 'version' };
    const [name = 'run', ...rest] = positionals;
    const { json, 'show-key': showKey } = values;
    if (rest.length > 0) return undefined;
    if (name === 'check' && showKey === undefined) return { name, json: json === true };
    if (name === 'render' && json === undefined) return { name, showKey: showKey === true };
    const plain = json === undefined && showKey === undefined;
    return plain && (name === 'run' || name === 'once') ? { name } : undefined;
  } catch {
    return undefined;
  }
}
