import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpText, readArguments } from '../../../src/cli/arguments.ts';

test('no argument is the daemon, and each command takes its own flag', () => {
  assert.deepEqual(readArguments([]), { name: 'run' });
  assert.deepEqual(readArguments(['run']), { name: 'run' });
  assert.deepEqual(readArguments(['once']), { name: 'once' });
  assert.deepEqual(readArguments(['check']), { name: 'check', json: false });
  assert.deepEqual(readArguments(['check', '--json']), { name: 'check', json: true });
  assert.deepEqual(readArguments(['check', '--wait', '90s']), { name: 'check', json: false, waitMs: 90_000 });
  assert.deepEqual(readArguments(['check', '--json', '--wait=2m']), {
    name: 'check',
    json: true,
    waitMs: 120_000,
  });
  assert.deepEqual(readArguments(['render']), { name: 'render', showKey: false });
  assert.deepEqual(readArguments(['--show-key', 'render']), { name: 'render', showKey: true });
});

test('help and version win over whatever else is asked', () => {
  assert.deepEqual(readArguments(['check', '--help']), { name: 'help' });
  assert.deepEqual(readArguments(['-h']), { name: 'help' });
  assert.deepEqual(readArguments(['-v', 'render']), { name: 'version' });
});

for (const args of [
  ['chekc'],
  ['check', 'again'],
  ['check', '--show-key'],
  ['render', '--json'],
  ['run', '--json'],
  ['once', '--show-key'],
  ['run', '--wait', '60s'],
  ['render', '--wait', '60s'],
  ['check', '--wait'],
  ['--jsno'],
]) {
  test(`${args.join(' ')} means nothing`, () => {
    assert.deepEqual(readArguments(args), {
      name: 'unusable',
      problem: `unknown arguments: ${args.join(' ')}`,
    });
  });
}

for (const wait of ['60', '500ms', '11m', '', 'soon', '1h']) {
  test(`a wait of "${wait}" is refused by name, with the form that is accepted`, () => {
    assert.deepEqual(readArguments(['check', '--wait', wait]), {
      name: 'unusable',
      problem: `--wait ${wait}: must be a duration from 1s to 10m with a unit, such as 50s`,
    });
  });
}

test('the help names every command and flag', () => {
  for (const word of [
    'run',
    'once',
    'check [--json] [--wait 60s]',
    'render [--show-key]',
    '--help',
    '--version',
  ])
    assert.ok(helpText('1.0.0').includes(word), word);
});
