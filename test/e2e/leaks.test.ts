import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createECDH, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';

const DAEMON = new URL('./support/daemon.ts', import.meta.url).href;
const SECRETS = new URL('./support/secrets.ts', import.meta.url).href;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const line = pem.split('\n')[1] ?? '';
const token = createECDH('prime256v1').generateKeys('hex').slice(2, 40);

const odd = `${token}"\\`;
const KNOWS_TOKEN = `secrets.handOutToken('${token}');`;
const KNOWS_KEY = `secrets.handOutKey(${JSON.stringify(pem)});`;
const base64After = (offset: number, text: string) =>
  Buffer.from(`${'x'.repeat(offset)}${text} and more`).toString('base64');

/** A test process whose child says `says`, and which itself looks at nothing. */
function run(says: string, knows = '') {
  const program = `
    import { spawn } from 'node:child_process';
    import { Daemon } from ${JSON.stringify(DAEMON)};
    import * as secrets from ${JSON.stringify(SECRETS)};
    ${knows}
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(`console.log(${JSON.stringify(says)})`)}]);
    await new Daemon(child).exited;`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
}

describe('35: A key or a token is never in a log line: a test process that did not look for it fails all the same', () => {
  for (const [what, says, knows] of [
    ['a key', pem, ''],
    ['a key as a Secret holds it', Buffer.from(pem).toString('base64'), ''],
    ['one line of a key', `{"msg":"${line}"}`, `secrets.handOutKey(${JSON.stringify(pem)});`],
    ['a token', `{"msg":"Bearer ${token}"}`, `secrets.handOutToken('${token}');`],
    ...[0, 1, 2].map(
      (offset) =>
        [
          `S5: a token in base64, ${offset} bytes after a beginning`,
          base64After(offset, token),
          KNOWS_TOKEN,
        ] as const,
    ),
    ['S5: a token in hexadecimal', Buffer.from(token).toString('hex'), KNOWS_TOKEN],
    [
      'S5: a token with characters that JSON escapes',
      JSON.stringify({ a: odd }),
      `secrets.handOutToken(${JSON.stringify(odd)});`,
    ],
    ['S5: one line of a key in JSON', line.replaceAll('/', '\\/'), KNOWS_KEY],
    ['S5: one line of a key in hexadecimal', Buffer.from(line, 'base64').toString('hex'), KNOWS_KEY],
    ['S5: one line of a key in base64', base64After(1, line), KNOWS_KEY],
  ] as const) {
    test(what, () => {
      const { status, stderr } = run(says, knows);

      assert.equal(status, 1);
      assert.match(stderr, /^scenario 35: daemon \d+: the output holds/m);
      assert.ok(!stderr.includes(token) && !stderr.includes(line), 'the search itself repeats none');
    });
  }

  test('and one whose daemon says nothing of the kind does not', () => {
    assert.equal(run('{"msg":"stopped"}', `secrets.handOutToken('${token}');`).status, 0);
  });
});
