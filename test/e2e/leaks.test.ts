import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createECDH, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { assertNoSecrets, handOutKey, handOutToken } from './support/secrets.ts';

const DAEMON = new URL('./support/daemon.ts', import.meta.url).href;
const SECRETS = new URL('./support/secrets.ts', import.meta.url).href;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const line = pem.split('\n')[1] ?? '';
const token = createECDH('prime256v1').generateKeys('hex').slice(2, 40);
const odd = `${token}"\\`;

const base64After = (offset: number, text: string) =>
  Buffer.from(`${'x'.repeat(offset)}${text} and more`).toString('base64');

/** A test process that hands out the token, and whose child prints `text`; it does not search for secrets itself. */
function run(text: string) {
  const program = `
    import { spawn } from 'node:child_process';
    import { Daemon } from ${JSON.stringify(DAEMON)};
    import { handOutToken } from ${JSON.stringify(SECRETS)};
    handOutToken('${token}');
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(`console.log(${JSON.stringify(text)})`)}]);
    await new Daemon(child).exited;`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
}

describe('35: the search for keys and tokens at the end of each test process', () => {
  handOutToken(token);
  handOutToken(odd);
  handOutKey(pem);
  for (const [what, output] of Object.entries({
    'a key': pem,
    'a key as a Secret holds it': Buffer.from(pem).toString('base64'),
    'one line of a key': line,
    'S5: one line of a key in JSON': line.replaceAll('/', '\\/'),
    'S5: one line of a key in hexadecimal': Buffer.from(line, 'base64').toString('hex'),
    'S5: one line of a key in base64': base64After(1, line),
    'a token': `Bearer ${token}`,
    'S5: a token in base64': base64After(0, token),
    'S5: a token in base64, 1 byte after a start': base64After(1, token),
    'S5: a token in base64, 2 bytes after a start': base64After(2, token),
    'S5: a token in hexadecimal': Buffer.from(token).toString('hex'),
    'S5: a token with characters that JSON escapes': JSON.stringify({ a: odd }),
  })) {
    test(`finds ${what}, and does not repeat it`, () => {
      assert.throws(
        () => assertNoSecrets(`{"msg":"${output}"}`),
        ({ message }: Error) => !message.includes(token) && !message.includes(line),
      );
    });
  }

  test('fails a process whose daemon prints one, though no test checked for it, and no other', () => {
    const { status, stderr } = run(`Bearer ${token}`);

    assert.equal(status, 1);
    assert.match(stderr, /^scenario 35: daemon \d+: the output holds/m);
    assert.ok(!stderr.includes(token));
    assert.equal(run('stopped').status, 0);
  });
});
