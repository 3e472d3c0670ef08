import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentedCommands, READ_IN_ORDER } from '../../real/readme/commands.ts';
import { normalised } from '../../real/readme/same.ts';
import { TREATMENTS } from '../../real/readme/treatments.ts';

test('the commands of a page are its lines of sh, with the output that stands right below', () => {
  const page = [
    'Type:',
    '```sh',
    'first --flag \\',
    '  --other   # why',
    '# nothing',
    'second | grep "a#b"',
    '```',
    '',
    '```',
    'told',
    '```',
    '```sh',
    'third',
    '```',
    'It says:',
    '```',
    'something',
    '```',
    '```yaml',
    'no: command',
    '```',
  ].join('\n');

  assert.deepEqual(documentedCommands('x.md', `${page}\n`), [
    { page: 'x.md', command: 'first --flag --other' },
    { page: 'x.md', command: 'second | grep "a#b"', output: 'told\n' },
    { page: 'x.md', command: 'third' },
  ]);
});

test('every command that is treated apart stands on a page', () => {
  const commands = READ_IN_ORDER.flatMap((page) => documentedCommands(page)).map(({ command }) => command);

  assert.deepEqual(
    Object.keys(TREATMENTS).filter((command) => !commands.includes(command)),
    [],
  );
});

test('two runs differ in what varies, and a word that differs stays', () => {
  const line = (port: number, uuid: string) =>
    `PASS http://127.0.0.1:${port} ${uuid} 2026-11-28T17:05:05.000Z  \n`;
  const one = line(8500, '9b0a9b7c-392f-79ac-1c69-7b530ac5102c');
  const other = line(23805, '00000000-392f-79ac-1c69-7b530ac5102c');

  assert.equal(normalised(one), normalised(other));
  assert.notEqual(normalised(one), normalised(one.replace('PASS', 'FAIL')));
});

test('the keys of a Secret may stand in any order, and none may be missing', () => {
  const keys = ['tls.crt:  855 bytes', 'tls.key:  227 bytes', 'ca.crt:   774 bytes'];
  const [first = '', ...others] = keys;
  const page = `Data\n====\n${keys.join('\n')}\n`;

  assert.equal(normalised(page), normalised(`Data\n====\n${[...others, first].join('\n')}\n`));
  assert.notEqual(normalised(page), normalised(`Data\n====\n${others.join('\n')}\n`));
});
