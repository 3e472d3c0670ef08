import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prettyLine } from '../../../src/lib/pretty-log.ts';

const ENTRY = { level: 'info', time: '2026-11-29T12:34:56.789Z', msg: 'serving status' };
const pretty = (entry: object, hasColour = false): string =>
  prettyLine(`${JSON.stringify({ ...ENTRY, ...entry })}\n`, hasColour);

test('a line has the time of day, the level, the message and the data', () => {
  assert.equal(
    pretty({ host: '127.0.0.1', port: 8080 }),
    '12:34:56.789 INFO  serving status  host=127.0.0.1  port=8080\n',
  );
});

test('a text with spaces, quotes or an equals sign is quoted, and so is an empty one', () => {
  assert.equal(
    pretty({ error: 'it "failed" twice', where: ['a b', 'c'], empty: '', query: 'a=b' }),
    '12:34:56.789 INFO  serving status  error="it \\"failed\\" twice"  where=["a b","c"]  empty=""  query="a=b"\n',
  );
});

test('a remedy is on a line of its own', () => {
  assert.equal(
    pretty({ level: 'warn', code: 'CONSUL_DENIED', remedy: 'consul acl policy create -name "x"' }),
    '12:34:56.789 WARN  serving status  code=CONSUL_DENIED\n' +
      '                   -> consul acl policy create -name "x"\n',
  );
});

test('a warning is yellow and an error red at a terminal, and the rest is plain', () => {
  const line = '12:34:56.789 WARN  serving status';
  assert.equal(pretty({ level: 'warn' }, true), `\u001b[33m${line}\u001b[0m\n`);
  assert.ok(pretty({ level: 'error' }, true).startsWith('\u001b[31m'));
  assert.ok(!pretty({}, true).includes('\u001b'));
});

test('a line that is not from the log is unchanged', () => {
  assert.equal(prettyLine('not JSON\n', true), 'not JSON\n');
  assert.equal(prettyLine('3\n', true), '3\n');
});
