import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { BROWSER } from './support/daemon.ts';
import { check } from './support/report.ts';

/** Leads to this machine, which the program cannot detect. */
const ANOTHER_MACHINE = { _CONSUL_HOST: '0.0.0.0', CONSUL_HTTP_TOKEN: 'a-token-in-the-clear' };
const PLAIN_HTTP = /plain HTTP to http:\/\/0\.0\.0\.0:\d+: anyone on the network path can read the ACL token/;
const UNVERIFIED = /TLS verification of https:\/\/.* is disabled/;

test('S2, S8: a token in plain HTTP to another machine, and insecure-skip-tls-verify, are warnings of start, page and check', async (t) => {
  const bed = await makeBed(t, { kubeconfig: { skipTlsVerify: true } });

  const daemon = await bed.startReady(ANOTHER_MACHINE);
  const report = await check(bed, ANOTHER_MACHINE);

  const { text } = await daemon.get('/', BROWSER);
  for (const [warning, remedy, row] of [
    [PLAIN_HTTP, /CONSUL_HTTP_SSL=true/, 'consul-tls'],
    [UNVERIFIED, /certificate-authority/, 'kubernetes'],
  ] as const) {
    const line = await daemon.line((each) => warning.test(String(each['warning'])));
    assert.deepEqual([line['level'], line['msg']], ['warn', 'a connection is not secure']);
    assert.match(String(line['remedy']), remedy);
    assert.equal(report.row(row)?.status, 'warn', row);
  }
  assert.match(text, PLAIN_HTTP);
  assert.match(report.row('consul-tls')?.detail ?? '', PLAIN_HTTP);
});
