import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isServable, readPem, writePem } from '../../../../src/identity/x509/pem.ts';
import { processorMs, refusal } from '../support.ts';

const DER = Buffer.from('a certificate of some eighty bytes, so that its base64 takes more than one line.');
const PEM = writePem({ label: 'CERTIFICATE', der: DER });

test('a block is written in 64 columns, LF, with a final newline', () => {
  const lines = PEM.split('\n');
  assert.equal(lines[0], '-----BEGIN CERTIFICATE-----');
  assert.equal(lines[1]?.length, 64);
  assert.deepEqual(lines.slice(-2), ['-----END CERTIFICATE-----', '']);
  assert.doesNotMatch(PEM, /\r/);
  assert.deepEqual(readPem(PEM, 'it'), [{ label: 'CERTIFICATE', der: DER }]);
});

const framed = (base64: string) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;

/** The last is whether gateways can read it too. */
const FORMS: readonly [string, string, { readonly servable: boolean }][] = [
  ['no final newline', PEM.trimEnd(), { servable: true }],
  ['CRLF', PEM.replaceAll('\n', '\r\n'), { servable: true }],
  ['spaces at the ends of its lines', PEM.replaceAll('\n', '  \n'), { servable: true }],
  ['text before it', `Issuer: CN=Vault\nSerial: 12\n${PEM}`, { servable: true }],
  ['text after it', `${PEM}bye\n`, { servable: true }],
  ['blank lines around it', `\n\n${PEM}\n\n`, { servable: true }],
  ['text before it on its first line', `Vault: ${PEM}`, { servable: false }],
  ['a space before its first line', ` ${PEM}`, { servable: false }],
  ['lines of 76 columns', framed(DER.toString('base64').replace(/.{76}/g, '$&\n')), { servable: false }],
  ['one long line', framed(DER.toString('base64')), { servable: false }],
];

for (const [form, text, { servable }] of FORMS) {
  test(`a block with ${form} is read, written in the normal form, and can${servable ? '' : 'not'} be served as it is`, () => {
    const blocks = readPem(text, 'it');
    assert.equal(isServable(text, 'it'), servable);
    assert.equal(blocks.map(writePem).join(''), PEM);
  });
}

test('a second block that does not begin a line cannot be served, nor one that only OpenSSL takes for a certificate', () => {
  const trusted = PEM.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE');
  const key = writePem({ label: 'EC PRIVATE KEY', der: DER });
  const servable = [PEM + PEM, PEM.trimEnd() + PEM, `${PEM}no PEM${PEM}`, PEM + trusted, PEM + key].map(
    (text) => isServable(text, 'it'),
  );
  assert.deepEqual(servable, [true, false, false, false, true]);
  assert.equal(readPem(PEM.trimEnd() + PEM, 'it').length, 2, 'it is read all the same (consul #8178)');
});

test('blocks of every kind are read, in their order', () => {
  const parameters = writePem({ label: 'EC PARAMETERS', der: DER });
  const key = writePem({ label: 'EC PRIVATE KEY', der: DER });
  const labels = readPem(parameters + key + PEM, 'it').map(({ label }) => label);
  assert.deepEqual(labels, ['EC PARAMETERS', 'EC PRIVATE KEY', 'CERTIFICATE']);
});

test('a block of any length is read the same in the normal form as after other text', () => {
  for (let length = 1; length <= 200; length += 1) {
    const text = writePem({ label: 'CERTIFICATE', der: Buffer.alloc(length, length) });
    assert.deepEqual(readPem(text, 'it'), readPem(`text\n${text}`, 'it'));
  }
});

const DAMAGED: readonly [string, string][] = [
  ['nothing', ''],
  ['text without a block', '<html>Bad gateway</html>'],
  ['a block without its end', PEM.slice(0, 90)],
  ['a good block and one that was cut', PEM + PEM.slice(0, 90)],
  ['a block cut before a good one', PEM.slice(0, 90) + PEM],
  ['an end of another label', PEM.replace('END CERTIFICATE', 'END PRIVATE KEY')],
  ['an empty block', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
];

for (const [what, text] of DAMAGED) {
  test(`${what} is rejected as unreadable`, () => {
    assert.throws(() => readPem(text, 'it'), refusal('PEM_UNREADABLE'));
  });
}

const BEGIN = '-----BEGIN A-----\n';
for (const [what, text, code] of [
  ['beginnings', BEGIN.repeat(450_000), 'TOO_MANY_CERTIFICATES'],
  ['data after as many beginnings as are read', BEGIN.repeat(300) + 'A'.repeat(8_000_000), 'PEM_UNREADABLE'],
  ['headers', BEGIN + 'A: b\n'.repeat(1_600_000), 'PEM_UNREADABLE'],
] as const) {
  test(`eight megabytes of ${what} are rejected within a second`, () => {
    const took = processorMs(() => {
      assert.throws(() => readPem(text, 'it'), refusal(code));
    });
    assert.ok(took < 1_000, `${took} ms`);
  });
}

test('the error names what was read', () => {
  assert.throws(() => readPem('x', 'root 12'), { message: 'root 12 holds no PEM block' });
});
