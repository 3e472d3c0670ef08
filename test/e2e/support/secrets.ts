import assert from 'node:assert/strict';

/** Patterns of any private key: as PEM, as the base64 that a Secret holds of any PEM but a certificate, and the start of its DER in base64. */
const KEY_MATERIAL = [
  /PRIVATE KEY/,
  /LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FURS)[A-Za-z0-9+/]*/,
  /MHcCAQEE|MIGkAgEB|MIGHAgEAMBMG|MIG2AgEAMBAG/,
  /MII[A-Z][A-Za-z0-9+/]{2}IBAAKC|MII[A-Z][A-Za-z0-9+/]{2}IBADAN/,
];
/** A variable with a short value, such as a token that a test made up, would match by chance. */
const SHORTEST = 8;

/** All secrets that doubles, real servers and tests handed out: no output may contain one. */
const handedOut = new Set<string>();
const outputs = new Map<object, { what: string; output: () => string }>();

/** A token that some daemon of this test run may have seen. */
export function handOutToken(token: string): string {
  if (token.length >= SHORTEST) for (const form of formsOf(Buffer.from(token))) handedOut.add(form);
  return token;
}

/** `user:password` that some daemon of this test run may have seen, in each form that would reveal it. */
export function handOutPassword(userAndPassword: string): void {
  handOutToken(userAndPassword);
  handOutToken(userAndPassword.slice(userAndPassword.indexOf(':') + 1));
}

/** A private key that some daemon of this test run may have seen: each of its lines would reveal it. */
export function handOutKey(pem: string): string {
  for (const line of pem.split('\n').filter((each) => /^[A-Za-z0-9+/=]{40,}$/.test(each))) {
    for (const form of formsOf(Buffer.from(line))) handedOut.add(form);
    for (const form of hexOf(Buffer.from(line, 'base64'))) handedOut.add(form);
  }
  return pem;
}

/** A secret as other texts may contain it: as it is, in JSON, in hexadecimal, and within a longer text in base64. */
function formsOf(secret: Buffer): string[] {
  const text = secret.toString();
  const json = JSON.stringify(text).slice(1, -1);
  return [text, json, json.replaceAll('/', '\\/'), ...hexOf(secret), ...base64Of(secret)];
}

function hexOf(secret: Buffer): string[] {
  const hex = secret.toString('hex');
  return [hex, hex.toUpperCase(), hex.replace(/..(?=.)/g, '$&:')];
}

/** For each position of its start: three bytes are four characters, and those at the ends depend on their neighbours. */
function base64Of(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), secret])
      .toString('base64')
      .replace(/=+$/, '');
    const inner = encoded.slice(offset === 0 ? 0 : 4, encoded.length - (encoded.length % 4));
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** Adds an output to the search at the end of every test process. */
export function searchAtTheEnd(source: object, what: string, output: () => string): void {
  outputs.set(source, { what, output });
}

/** Asserts that `output` contains no private key, none of `tokens`, and nothing that was handed out. */
export function assertNoSecrets(output: string, tokens: Iterable<string> = []): void {
  for (const pattern of KEY_MATERIAL) {
    assert.ok(!pattern.test(output), `the output holds what looks like a private key: ${pattern}`);
  }
  for (const token of [...tokens, ...handedOut]) {
    assert.ok(!output.includes(token), 'the output holds a token or a part of a key');
  }
}

// Scenario 35, of every test that starts a daemon or a double: the process fails, without a line in the test.
process.on('exit', () => {
  for (const { what, output } of outputs.values()) {
    try {
      assertNoSecrets(output());
    } catch (error) {
      process.exitCode = 1;
      console.error(`scenario 35: ${what}: ${error instanceof Error ? error.message : 'unreadable'}`);
    }
  }
});
