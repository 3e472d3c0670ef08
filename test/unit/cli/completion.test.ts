import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { completionScript } from '../../../src/cli/completion.ts';

/** The completions of bash for the last word of the line. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${completionScript('bash')}
COMP_WORDS=(ambassador-consul-connector "$@")
COMP_CWORD=$#
_ambassador_consul_connector
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-uc', script, 'bash', ...words], { encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

test('a command is completed, and every command is offered if there is none', () => {
  assert.deepEqual(offered('ch'), ['check']);
  assert.deepEqual(offered('re'), ['render']);
  assert.ok(offered('').includes('run'));
  assert.ok(offered('').includes('--version'));
});

test('only the options and words of the command are offered', () => {
  assert.deepEqual(offered('check', '--w'), ['--wait']);
  assert.deepEqual(offered('check', '--json', '--w'), ['--wait']);
  assert.deepEqual(offered('--version', 'check', '--j'), ['--json']);
  assert.deepEqual(offered('render', '--w'), []);
  assert.deepEqual(offered('--env-file', 'x', 'check', '--w'), ['--wait']);
  assert.deepEqual(offered('help', 'e'), ['env']);
  assert.deepEqual(offered('completion', ''), ['bash', 'zsh', '--env-file', '--help', '--version']);
});

test('a file is offered after --env-file', () => {
  assert.deepEqual(offered('check', '--env-file', '/etc/host'), offered('run', '--env-file', '/etc/host'));
  assert.ok(offered('--env-file', '/etc/host').includes('/etc/hosts'));
});
