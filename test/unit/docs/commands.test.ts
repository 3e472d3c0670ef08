import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentedCommands, READ_IN_ORDER } from '../../real/readme/commands.ts';
import { TREATMENTS } from '../../real/readme/treatments.ts';

test('every command with a treatment is on a page', () => {
  const commands = READ_IN_ORDER.flatMap((page) => documentedCommands(page)).map(({ command }) => command);
  const missing = Object.keys(TREATMENTS).filter((command) => !commands.includes(command));
  assert.deepEqual(missing, []);
});
