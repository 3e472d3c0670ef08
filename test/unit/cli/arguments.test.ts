import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandLine, readArguments } from '../../../src/cli/arguments.ts';
import { COMMAND_NAMES, COMMANDS } from '../../../src/cli/commands.ts';

function asked(...args: readonly string[]): unknown {
  const line: CommandLine = readArguments(args);
  return 'problem' in line ? line.problem : line.command;
}

test('no argument is the daemon, and each command takes its own flags', () => {
  assert.deepEqual(asked(), { name: 'run' });
  assert.deepEqual(asked('run'), { name: 'run' });
  assert.deepEqual(asked('once'), { name: 'once' });
  assert.deepEqual(asked('check'), { name: 'check', json: false });
  assert.deepEqual(asked('check', '--json'), { name: 'check', json: true });
  assert.deepEqual(asked('check', '--wait', '90s'), { name: 'check', json: false, waitMs: 90_000 });
  assert.deepEqual(asked('check', '--json', '--wait=2m'), { name: 'check', json: true, waitMs: 120_000 });
  assert.deepEqual(asked('check', '--connect', '[::1]:20000'), {
    name: 'check',
    json: false,
    sidecar: { host: '::1', port: 20_000 },
  });
  assert.deepEqual(asked('render'), { name: 'render', showKey: false });
  assert.deepEqual(asked('--show-key', 'render'), { name: 'render', showKey: true });
  assert.deepEqual(asked('completion', 'zsh'), { name: 'completion', shell: 'zsh' });
});

test('a file of variables goes with every command', () => {
  assert.deepEqual(readArguments(['--env-file', 'a.env']), { command: { name: 'run' }, envFile: 'a.env' });
  assert.deepEqual(readArguments(['once', '--env-file=b.env']), {
    command: { name: 'once' },
    envFile: 'b.env',
  });
  assert.deepEqual(readArguments(['once']), { command: { name: 'once' }, envFile: undefined });
});

test('help is of the command, of a command by its name, of the variables, or of all; with the version it wins', () => {
  assert.deepEqual(asked('-h'), { name: 'help', about: undefined });
  assert.deepEqual(asked('help'), { name: 'help', about: undefined });
  assert.deepEqual(asked('check', '--help', '--version'), { name: 'help', about: 'check' });
  assert.deepEqual(asked('help', 'run'), { name: 'help', about: 'run' });
  assert.deepEqual(asked('help', 'env'), { name: 'help', about: 'env' });
  assert.deepEqual(asked('-v', 'render'), { name: 'version' });
});

for (const [args, problem] of [
  [['chekc'], 'unknown command: chekc; did you mean check?'],
  [['destroy'], 'unknown command: destroy'],
  [['constructor'], 'unknown command: constructor'],
  [['check', 'again'], 'unexpected argument of check: again'],
  [['check', '--show-key'], 'unknown option of check: --show-key'],
  [['render', '--json'], 'unknown option of render: --json'],
  [['run', '--json'], 'unknown option of run: --json'],
  [['once', '--show-key'], 'unknown option of once: --show-key'],
  [['run', '--wait', '60s'], 'unknown option of run: --wait'],
  [['check', '--jsno'], 'unknown option of check: --jsno; did you mean --json?'],
  [['--jsno'], 'unknown option of run: --jsno'],
  [['check', '--constructor'], 'unknown option of check: --constructor'],
  [['check', '-x'], 'unknown option of check: -x'],
  [['check', '--json=yes'], '--json takes no value'],
  [['check', '--connect', 'quote'], '--connect quote: must be host:port or [v6]:port'],
  [['check', '--wait'], '--wait needs a value, as in --wait 60s'],
  [['check', '--wait', '--json'], '--wait needs a value, as in --wait 60s'],
  [['--env-file'], '--env-file needs a value, as in --env-file FILE'],
  [['help', 'chekc'], 'unexpected argument of help: chekc; did you mean check?'],
  [['help', 'check', 'env'], 'unexpected argument of help: env'],
  [['completion'], 'completion needs a shell: bash or zsh'],
  [['completion', 'fish'], 'unexpected argument of completion: fish'],
] as const) {
  test(`${args.join(' ')}: ${problem}`, () => {
    assert.equal(asked(...args), problem);
  });
}

test('help lists every other command', () => {
  const others = COMMAND_NAMES.filter((name) => name !== 'help');
  assert.deepEqual([...COMMANDS.help.operand.words], [...others, 'env']);
});

for (const wait of ['60', '500ms', '11m', 'soon', '1h']) {
  test(`a wait of "${wait}" is refused by name, with the form that is accepted`, () => {
    assert.equal(
      asked('check', '--wait', wait),
      `--wait ${wait}: must be a duration from 1s to 10m with a unit, such as 50s`,
    );
  });
}
