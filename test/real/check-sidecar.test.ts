import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { Report } from '../e2e/support/report.ts';
import { temporary } from '../e2e/support/temporary.ts';
import { type Authority, makeAuthority } from '../fixtures/servers/authority.ts';
import { freePort } from '../fixtures/servers/ports.ts';
import { type RealConsul, startRealConsul } from '../fixtures/servers/real-consul.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';

let consul: RealConsul;
let sidecar: Sidecar;
const directory = temporary();
let own: Authority;
let spiffeId: string;

const run = (args: readonly string[]): Daemon =>
  startDaemon({ CONSUL_HTTP_ADDR: consul.url, _OUTPUT_DIR: directory }, args);
const check = (port = sidecar.publicPort) =>
  Report.of(run(['check', '--json', '--connect', `127.0.0.1:${port}`]));

before(async () => {
  consul = await startRealConsul();
  const { TrustDomain } = await consul.roots();
  own = await makeAuthority('Root of the test', TrustDomain);
  spiffeId = `spiffe://${TrustDomain}/ns/default/dc/dc1/svc/ambassador`;
  const path = '/v1/connect/ca/configuration';
  const { Config } = await consul.mustGet<{ Config: Record<string, unknown> }>(path);
  await consul.mustPut(path, {
    Provider: 'consul',
    Config: { ...Config, PrivateKey: own.privateKey, RootCert: own.certificate },
    ForceWithoutCrossSigning: true,
  });
  sidecar = await startSidecar(consul, 'quote');
  await consul.intend('allow', 'ambassador', 'quote');
});
after(async () => {
  await sidecar.stop();
  await consul.stop();
});

test('check --connect, of a real sidecar: the first FAIL is that nothing is published, until an allowed identity is', async () => {
  const { firstFail } = await check();
  assert.equal(firstFail?.check, 'published');
  assert.match(firstFail?.remedy ?? '', /run the connector/);

  const daemon = run(['once']);
  assert.equal((await daemon.exited).code, 0, daemon.stdout);

  const report = await check();
  assert.equal(report.firstFail, undefined, JSON.stringify(report.rows));
  assert.match(report.row('sidecar')?.detail ?? '', /svc\/quote accepts the published identity$/);
  assert.equal(report.row('intention')?.detail, 'ambassador to quote is allowed');
});

test('check --connect, of a real sidecar: a denying intention is named as the cause, with the command that allows it', async (t) => {
  t.after(() => consul.intend('allow', 'ambassador', 'quote'));
  await consul.intend('deny', 'ambassador', 'quote');

  const report = await check();

  assert.equal(report.row('published')?.status, 'pass');
  const { status, detail = '', code } = report.row('sidecar') ?? {};
  assert.deepEqual([status, code], ['fail', 'SIDECAR_REFUSED']);
  assert.match(detail, /svc\/quote answered "bad certificate": the intention denies it$/);
  const { remedy = '' } = report.row('intention') ?? {};
  assert.match(remedy, /^consul intention create -allow -replace ambassador quote/);
});

test('check --connect, of a real sidecar: a published identity with a wrong root or an expired leaf is named as the cause', async () => {
  const foreign = await makeAuthority('Foreign root');
  for (const [code, root, days] of [
    ['NO_CHAIN', foreign, 30],
    ['EXPIRED', own, -1],
  ] as const) {
    const { certificate, privateKey } = await root.issue('', { names: `URI:${spiffeId}`, days });
    writeFileSync(join(directory, 'tls.crt'), certificate);
    writeFileSync(join(directory, 'tls.key'), privateKey);
    writeFileSync(join(directory, 'ca.crt'), root.certificate);

    const report = await check();

    assert.deepEqual([report.firstFail?.check, report.row('published')?.code], ['published', code]);
    assert.match(report.row('sidecar')?.detail ?? '', /answered ".+": the published identity is not valid$/);
    assert.equal(report.row('intention')?.status, 'pass');
  }
});

test('check --connect, of a real sidecar: the port of the service itself and a closed port each have their own code', async () => {
  assert.equal((await check(sidecar.plainPort)).row('sidecar')?.code, 'SIDECAR_NO_TLS');
  assert.equal((await check(await freePort())).row('sidecar')?.code, 'SIDECAR_UNREACHABLE');
});
