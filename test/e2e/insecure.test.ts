import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed } from './support/bed.ts';
import { BROWSER } from './support/daemon.ts';

/** Leads to this machine, and the program cannot know that. */
const ANOTHER_MACHINE = { _CONSUL_HOST: '0.0.0.0', CONSUL_HTTP_TOKEN: 'a-token-in-the-clear' };
const WARNING = /plain HTTP to http:\/\/0\.0\.0\.0:\d+: anyone on the network path can read the ACL token/;

test('S2: a token in plain HTTP to another machine is a warning of the start and of the page', async (t) => {
  const bed = await makeBed(t);

  const daemon = await bed.startReady(ANOTHER_MACHINE);

  const { level, warning, remedy } = await daemon.line('a connection is not secure');
  assert.equal(level, 'warn');
  assert.match(String(warning), WARNING);
  assert.match(String(remedy), /CONSUL_HTTP_SSL=true/);
  const { text } = await daemon.get('/', BROWSER);
  assert.match(text, WARNING);
});

test('S2: and a WARN of check', async (t) => {
  const bed = await makeBed(t);

  const checking = bed.start(ANOTHER_MACHINE, ['check']);
  await checking.exited;

  const [row = ''] = /^.*TLS with Consul.*$/m.exec(checking.stdout) ?? [];
  assert.match(row, /^WARN /);
  assert.match(row, WARNING);
});

test('S2: a token to this machine is none', async (t) => {
  const bed = await makeBed(t);

  const daemon = await bed.startReady({ CONSUL_HTTP_TOKEN: 'a-token-at-home' });

  assert.ok(!daemon.logs.some(({ msg }) => msg === 'a connection is not secure'));
});

test('S8: insecure-skip-tls-verify in the kubeconfig is a warning of the start and of check', async (t) => {
  const bed = await makeBed(t, { kubeconfig: { skipTlsVerify: true } });

  const daemon = await bed.startReady();
  const checking = bed.start({}, ['check']);
  await checking.exited;

  const { warning, remedy } = await daemon.line('a connection is not secure');
  assert.match(String(warning), /TLS verification of https:\/\/.* is disabled/);
  assert.match(String(remedy), /certificate-authority/);
  assert.match(checking.stdout, /^WARN +reach Kubernetes/m);
});
