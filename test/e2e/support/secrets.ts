import assert from 'node:assert/strict';

/** How any private key looks: as PEM, as the base64 of PEM that a Secret holds, and the start of its DER in base64. */
const KEY_MATERIAL = [
  /PRIVATE KEY/,
  /LS0tLS1CRUdJTi[A-Za-z0-9+/]*/,
  /MHcCAQEE|MIGkAgEB|MIGHAgEAMBMG|MIG2AgEAMBAG/,
  /MII[A-Z][A-Za-z0-9+/]{2}IBAAKC|MII[A-Z][A-Za-z0-9+/]{2}IBADAN/,
];

/** Scenario 35: nothing in `output` is a private key or one of `tokens`. */
export function assertNoSecrets(output: string, tokens: Iterable<string>): void {
  for (const pattern of KEY_MATERIAL) {
    assert.ok(!pattern.test(output), `the output holds what looks like a private key: ${pattern}`);
  }
  for (const token of tokens) assert.ok(!output.includes(token), 'the output holds a token');
}
