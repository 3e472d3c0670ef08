import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpText, readArguments } from '../../../src/cli/arguments.ts';

test('no argument is the daemon, and each command takes its own flag', () => {
  assert.deepEqual(readArguments([]), { name: 'run' });
  assert.deepEqual(readArguments(['run']), { name: 'run' });
  assert.deepEqual(readArguments(['once']), { name: 'once' });
  assert.deepEqual(readArguments(['check']), { name: 'check', json: false });
  assert.deepEqual(readArguments(['check', '--json']), { name: 'check', json: true });
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
  ['--jsno'],
]) {
  test(`${args.join(' ')} means nothing`, () => {
    assert.equal(readArguments(args), undefined);
  });
}

test('the help names every command and flag', () => {
  for (const word of ['run', 'once', 'check [--json]', 'render [--show-key]', '--help', '--version'])
    assert.ok(helpText('1.0.0').includes(word), word);
});
