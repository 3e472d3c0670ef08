import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../src/config/config.ts';
import type { VARIABLES } from '../../src/config/variables.ts';
import { makeBed } from './support/bed.ts';
import { check } from './support/report.ts';

/** One for each of the six tests below. */
type BadValues = readonly [string, string, string, string, string, string];

const LONG = 'x'.repeat(300);
const HOSTS: BadValues = ['http://s3cret', 's3cret/path', 's3cret:8500', '[::1', '256.0.0.1', 'two s3crets'];
const NAMES: BadValues = ['Upper.S3cret', 's3cret$', '-s3cret', 's3cret_', LONG, 'two s3crets'];
const BOOLEANS: BadValues = ['maybe', '2', 'tr ue', 's3cret', LONG, '-'];
const CONSUL_NAMES: BadValues = ['-s3cret', 's3cret/x', 'two s3crets', '$s3cret', LONG, 'ä'];

/** Values that each variable rejects: wrong type, out of range, scheme, path, port, a bad IPv6 address, a bad name. */
const REFUSED: Record<keyof typeof VARIABLES, BadValues | 'any text is a path'> = {
  _AMBASSADOR_ID: ['two s3crets', '-s3cret', 's3cret-', 's3cret/x', '$s3cret', LONG],
  _AMBASSADOR_TLS_SECRET_NAME: NAMES,
  _AMBASSADOR_TLS_SECRET_NAMESPACE: NAMES,
  _AMBASSADOR_VERIFY_UPSTREAM: BOOLEANS,
  _AMBASSADOR_TLS_CONTEXT_NAME: ['two s3crets', '$s3cret', 'a\ns3cret', '-s3cret', LONG, '{s3cret}'],
  _AMBASSADOR_SERVICE_NAME: NAMES,
  _AMBASSADOR_SERVICE_ENABLED: BOOLEANS,
  _AMBASSADOR_API_VERSION: ['v2', 'emissary.io/v3', 'ambassador/v3', 's3cret', LONG, '$'],
  _AMBASSADOR_LABELS: ['s3cret', 's3cret=b,', 's3cret=b=c', '=s3cret', 'a=-', `s3cret=${LONG}`],
  _AMBASSADOR_ANNOTATIONS: [
    's3cret',
    '=s3cret',
    'a=b\n\ns3cret=c',
    's3cret key=b',
    'getambassador.io/config=s3cret',
    'ambassador-consul-connector/s3cret=b',
  ],
  _CONSUL_HOST: HOSTS,
  _CONSUL_PORT: ['0', '65536', '85oo', 'tcp://10.0.0.1:8500', '-1', '0x10'],
  _CONSUL_ADDRESSES: ['http://s3cret', 's3cret/path', 's3cret:0', '[::1', 's3cret,', 's3cret:85oo'],
  _CONSUL_SERVICE: ['a\ns3cret', 'a\ts3cret', LONG, '\u0001s3cret', 's3cret\u007f', 'a\rs3cret'],
  _CONSUL_TRUST_DOMAIN: ['spiffe://s3cret', 's3cret/x', 'two s3crets', '$s3cret', LONG, 's3crét'],
  _CONSUL_WAIT: ['60', '999ms', '11m', '-5s', '1h', 's3cret'],
  _CONSUL_HTTP_ADDR: ['ftp://s3cret', 's3cret/path', 's3cret:0', 'unix://s3cret', 'https://', '[::1'],
  _CONSUL_HTTP_AUTH: [
    '\u0002:s3cret',
    'a:\ns3cret',
    's3cret:\u0001b',
    'a:s3\u007fcret',
    'a:s3\rcret',
    'a:s3cret\u001f',
  ],
  _CONSUL_HTTP_TOKEN: ['two s3crets', 'a\ns3cret', 's3crét', 's3cret\ttoken', 'a\rs3cret', 's3cret\u0001'],
  _CONSUL_HTTP_TOKEN_FILE: 'any text is a path',
  _CONSUL_HTTP_SSL: BOOLEANS,
  _CONSUL_HTTP_SSL_VERIFY: BOOLEANS,
  _CONSUL_CACERT: 'any text is a path',
  _CONSUL_CAPATH: 'any text is a path',
  _CONSUL_CLIENT_CERT: 'any text is a path',
  _CONSUL_CLIENT_KEY: 'any text is a path',
  _CONSUL_TLS_SERVER_NAME: HOSTS,
  _CONSUL_NAMESPACE: CONSUL_NAMES,
  _CONSUL_PARTITION: CONSUL_NAMES,
  _CONSUL_DATACENTER: CONSUL_NAMES,
  _CONSUL_LOGIN_AUTH_METHOD: CONSUL_NAMES,
  _CONSUL_LOGIN_BEARER_TOKEN_FILE: 'any text is a path',
  _CONSUL_LOGIN_DATACENTER: CONSUL_NAMES,
  _CONSUL_LOGIN_NAMESPACE: CONSUL_NAMES,
  _CONSUL_LOGIN_PARTITION: CONSUL_NAMES,
  _CONSUL_LOGIN_META: ['s3cret', '=s3cret', 's3cret=b,', 's3cret=b=c', 'a b=s3cret', ','],
  _OUTPUT_DIR: 'any text is a path',
  _OUTPUT_FILE_MODE: ['0800', '0200', '01600', 'rw-r-----', 's3cret', '-0600'],
  _OUTPUT_FILE_OWNER: ['root', '-1', '1.5', 's3cret', LONG, '0x10'],
  _OUTPUT_EXTRA_FILES: ['s3cret', 'pem,s3cret', 'pem;envoy', 'PEM', LONG, ','],
  _OUTPUT_KEYSTORE_PASSWORD: ['s3crt', 's3crét-s3crét', 's3cret\tkey', 's3cret\u0001', LONG, 's3cret\nkey'],
  _OUTPUT_RELOAD_COMMAND: 'any text is a path',
  _OUTPUT_RELOAD_SIGNAL: ['KILL', 'hup', '1', 's3cret', LONG, '-HUP'],
  _OUTPUT_RELOAD_PID_FILE: 'any text is a path',
  _OUTPUT_FILE_GROUP: ['root', '-1', '1.5', 's3cret', LONG, '0x10'],
  _HTTP_HOST: HOSTS,
  _HTTP_PORT: ['65536', '-1', 'http', '80.0', 's3cret', '0x10'],
  _LOG_FORMAT: ['text', 'JSON', 's3cret', '1', LONG, '-'],
  _LOG_LEVEL: ['verbose', 'INFO', 's3cret', '2', LONG, '-'],
};
const ROWS = Object.entries(REFUSED).flatMap(([name, values]) =>
  typeof values === 'string' ? [] : [{ name, values }],
);

for (const turn of [0, 1, 2, 3, 4, 5]) {
  test(`31: bad value ${turn + 1} of every variable: all problems are reported at once, without the values`, () => {
    const values = ROWS.map(({ name, values }) => [name, values[turn] ?? ''] as const);

    assert.throws(
      () => readConfig(Object.fromEntries(values)),
      ({ message }: Error) => {
        for (const [name] of values) assert.match(message, new RegExp(`^ {2}- ${name} must be .{4}`, 'm'));
        assert.doesNotMatch(message, /s3cr[eé]t|x{300}/i);
        return true;
      },
    );
  });
}

test('32: a misspelt variable, and one without its underscore: a warning with the right name, and a WARN of check', async (t) => {
  const bed = await makeBed(t);
  const meant = {
    AMBASSADOR_ID: '_AMBASSADOR_ID',
    CONSUL_HOST: '_CONSUL_HOST',
    _CONSUL_HOTS: '_CONSUL_HOST',
    _AMBASSADOR_LABLES: '_AMBASSADOR_LABELS',
  };
  const env = Object.fromEntries(Object.keys(meant).map((name) => [name, 'edge']));

  const daemon = await bed.startReady(env);
  const row = (await check(bed, env)).row('configuration');

  const warned = daemon.logs.filter(({ msg }) => msg === 'unknown environment variable');
  assert.deepEqual(Object.fromEntries(warned.map((line) => [line['variable'], line['meant']])), meant);
  assert.equal(row?.status, 'warn');
  assert.match(row?.remedy ?? '', /set _CONSUL_HOST instead of _CONSUL_HOTS/);
});
