import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { BROWSER } from './support/daemon.ts';
import { check } from './support/report.ts';

/** Leads to this machine, which the program cannot find out. */
const ANOTHER_MACHINE = { _CONSUL_HOST: '0.0.0.0', CONSUL_HTTP_TOKEN: 'a-token-in-the-clear' };
const WARNING = /plain HTTP to http:\/\/0\.0\.0\.0:\d+: anyone on the network path can read the ACL token/;

test('S2: a token in plain HTTP to another machine is a warning of the start and of the page, and a WARN of check', async (t) => {
  const bed = await makeBed(t);

  const daemon = await bed.startReady(ANOTHER_MACHINE);
  const { notPassed } = await check(bed, ANOTHER_MACHINE);

  const { level, warning, remedy } = await daemon.line('a connection is not secure');
  assert.equal(level, 'warn');
  assert.match(String(warning), WARNING);
  assert.match(String(remedy), /CONSUL_HTTP_SSL=true/);
  const { text } = await daemon.get('/', BROWSER);
  assert.match(text, WARNING);
  const row = notPassed.find(({ what }) => what === 'TLS with Consul');
  assert.equal(row?.status, 'warn');
  assert.match(row?.detail ?? '', WARNING);
});

test('S8: insecure-skip-tls-verify in the kubeconfig is a warning of the start and of check', async (t) => {
  const bed = await makeBed(t, { kubeconfig: { skipTlsVerify: true } });

  const daemon = await bed.startReady();
  const report = await check(bed);

  const { warning, remedy } = await daemon.line('a connection is not secure');
  assert.match(String(warning), /TLS verification of https:\/\/.* is disabled/);
  assert.match(String(remedy), /certificate-authority/);
  assert.equal(report.row('kubernetes')?.status, 'warn');
});
