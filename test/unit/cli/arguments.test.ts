import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandLine, readArguments } from '../../../src/cli/arguments.ts';
import { COMMAND_NAMES, COMMANDS } from '../../../src/cli/commands.ts';

function parsed(...args: readonly string[]): unknown {
  const line: CommandLine = readArguments(args);
  return 'problem' in line ? line.problem : line.command;
}

test('without an argument the command is run, and each command has its own flags', () => {
  assert.deepEqual(parsed(), { name: 'run' });
  assert.deepEqual(parsed('run'), { name: 'run' });
  assert.deepEqual(parsed('once'), { name: 'once' });
  assert.deepEqual(parsed('check'), { name: 'check', json: false });
  assert.deepEqual(parsed('check', '--json'), { name: 'check', json: true });
  assert.deepEqual(parsed('check', '--wait', '90s'), { name: 'check', json: false, waitMs: 90_000 });
  assert.deepEqual(parsed('check', '--json', '--wait=2m'), { name: 'check', json: true, waitMs: 120_000 });
  assert.deepEqual(parsed('check', '--connect', '[::1]:20000'), {
    name: 'check',
    json: false,
    sidecar: { host: '::1', port: 20_000 },
  });
  assert.deepEqual(parsed('render'), { name: 'render', showKey: false });
  assert.deepEqual(parsed('--show-key', 'render'), { name: 'render', showKey: true });
  assert.deepEqual(parsed('completion', 'zsh'), { name: 'completion', shell: 'zsh' });
});

test('every command accepts a file of variables', () => {
  assert.deepEqual(readArguments(['--env-file', 'a.env']), { command: { name: 'run' }, envFile: 'a.env' });
  assert.deepEqual(readArguments(['once', '--env-file=b.env']), {
    command: { name: 'once' },
    envFile: 'b.env',
  });
  assert.deepEqual(readArguments(['once']), { command: { name: 'once' }, envFile: undefined });
});

test('help is about the command, a named command, the variables, or all; it takes precedence over the version', () => {
  assert.deepEqual(parsed('-h'), { name: 'help', about: undefined });
  assert.deepEqual(parsed('help'), { name: 'help', about: undefined });
  assert.deepEqual(parsed('check', '--help', '--version'), { name: 'help', about: 'check' });
  assert.deepEqual(parsed('help', 'run'), { name: 'help', about: 'run' });
  assert.deepEqual(parsed('help', 'env'), { name: 'help', about: 'env' });
  assert.deepEqual(parsed('-v', 'render'), { name: 'version' });
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
    assert.equal(parsed(...args), problem);
  });
}

test('help lists every other command', () => {
  const others = COMMAND_NAMES.filter((name) => name !== 'help');
  assert.deepEqual([...COMMANDS.help.operand.words], [...others, 'env']);
});

for (const wait of ['60', '500ms', '11m', 'soon', '1h']) {
  test(`a wait of "${wait}" is rejected with the accepted form`, () => {
    assert.equal(
      parsed('check', '--wait', wait),
      `--wait ${wait}: must be a duration from 1s to 10m with a unit, such as 50s`,
    );
  });
}
