import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { foreignText, printable } from '../../../src/lib/foreign-text.ts';

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});

test('a quoted private key is redacted: as PEM, cut off, with escaped line ends, or in base64', () => {
  for (const quoted of [
    String(pem),
    String(pem).slice(0, -40),
    JSON.stringify(pem).slice(1, -1),
    Buffer.from(String(pem)).toString('base64'),
    randomBytes(48).toString('base64url'),
  ])
    assert.equal(
      foreignText(`denied: ${quoted}`).replace(/(\[redacted\]["\\n ]*)+/, '…'),
      'denied: …',
      quoted,
    );
});

test('names, paths and policies are not redacted', () => {
  for (const text of [
    `secrets "ambassador-consul-connect" is forbidden: ValidatingAdmissionPolicy 'no-secrets' with binding 'no-secrets-here' denied request: not in this namespace`,
    'exceeded quota: objects, requested: secrets=1, used: secrets=10, limited: secrets=10',
    'Post "https://policy.kyverno.svc:443/validate/fail?timeout=10s": context deadline exceeded',
    'cannot patch /api/v1/namespaces/ambassador/secrets/ambassador-consul-connect',
  ])
    assert.equal(foreignText(text), text);
});

test('only the beginning of megabytes is quoted, and no key that is cut there', () => {
  const key = (length: number) => randomBytes(length).toString('base64').slice(0, length);
  assert.equal(foreignText('a'.repeat(8 * 1024 * 1024)), '…');
  assert.equal(foreignText(`${key(4_070)} ${key(44)}`), '[redacted] …');
});

test('the result is one line of at most 500 characters, without control characters', () => {
  assert.equal(foreignText('a\n\u001b[32mPASS\u001b[0m\r\nb'), 'a [32mPASS [0m b');
  assert.equal(foreignText('no '.repeat(1_000)).length, 501);
});

test('S8: a character that controls a terminal or is invisible is printed as its escape, in one line', () => {
  assert.equal(
    printable('a\u001b[32mPASS\u009b\n\u202e\u{e0041}ä'),
    'a\\u001b[32mPASS\\u009b\\u000a\\u202e\\udb40\\udc41ä',
  );
});

test('S3: of a long text the first thousand characters are printed', () => {
  assert.equal(printable('x'.repeat(1_000)), 'x'.repeat(1_000));
  assert.equal(printable('x'.repeat(64_000)), `${'x'.repeat(1_000)}…`);
});
