import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { Report } from '../e2e/support/report.ts';
import { type Authority, makeAuthority, type PemPair } from '../fixtures/servers/authority.ts';
import { freePort } from '../fixtures/servers/ports.ts';
import { type RealConsul, startRealConsul } from '../fixtures/servers/real-consul.ts';
import { type Sidecar, startSidecar } from '../fixtures/servers/sidecar.ts';

describe('check --connect, of a real sidecar', { concurrency: 1 }, () => {
  let consul: RealConsul;
  let sidecar: Sidecar;
  let directory: string;
  let own: Authority;
  let spiffeId: string;

  const run = (args: readonly string[]): Daemon =>
    startDaemon({ CONSUL_HTTP_ADDR: consul.url, _OUTPUT_DIR: directory }, args);
  const check = (port = sidecar.publicPort) =>
    Report.of(run(['check', '--json', '--connect', `127.0.0.1:${port}`]));
  const put = async ({ certificate, privateKey }: PemPair, root: string): Promise<void> => {
    await Promise.all(
      Object.entries({ 'tls.crt': certificate, 'tls.key': privateKey, 'ca.crt': root }).map(([name, text]) =>
        writeFile(join(directory, name), text),
      ),
    );
  };

  before(async () => {
    consul = await startRealConsul();
    directory = await mkdtemp(join(tmpdir(), 'check-sidecar-'));
    const { TrustDomain } = await consul.roots();
    own = await makeAuthority('Root of the test', TrustDomain);
    spiffeId = `spiffe://${TrustDomain}/ns/default/dc/dc1/svc/ambassador`;
    const { Config } = await consul.mustGet<{ Config: Record<string, unknown> }>(
      '/v1/connect/ca/configuration',
    );
    await consul.mustPut('/v1/connect/ca/configuration', {
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
    await rm(directory, { recursive: true, force: true });
  });

  test('nothing is published yet: that is the first FAIL', async () => {
    const report = await check();

    assert.equal(report.firstFail?.check, 'published');
    assert.match(report.firstFail?.remedy ?? '', /run the connector/);
  });

  test('an identity that is allowed is accepted', async () => {
    const daemon = run(['once']);
    assert.equal((await daemon.exited).code, 0, daemon.stdout);

    const report = await check();

    assert.equal(report.firstFail, undefined, JSON.stringify(report.rows));
    assert.match(report.row('sidecar')?.detail ?? '', /svc\/quote accepts the published identity$/);
    assert.equal(report.row('intention')?.detail, 'ambassador to quote is allowed');
  });

  test('a wrong intention is told as what it is, with the command that allows it', async () => {
    await consul.intend('deny', 'ambassador', 'quote');
    try {
      const report = await check();

      assert.equal(report.row('published')?.status, 'pass');
      const { status, detail, code } = report.row('sidecar') ?? {};
      assert.deepEqual([status, code], ['fail', 'SIDECAR_REFUSED']);
      assert.match(detail ?? '', /svc\/quote answered "bad certificate": the intention denies it$/);
      assert.match(
        report.row('intention')?.remedy ?? '',
        /^consul intention create -allow -replace ambassador quote/,
      );
    } finally {
      await consul.intend('allow', 'ambassador', 'quote');
    }
  });

  test('a wrong root is told as what it is', async () => {
    const foreign = await makeAuthority('Foreign root');
    await put(await foreign.issue('', { names: `URI:${spiffeId}` }), foreign.certificate);

    const report = await check();

    assert.equal(report.firstFail?.check, 'published');
    assert.equal(report.row('published')?.code, 'NO_CHAIN');
    assert.match(report.row('sidecar')?.detail ?? '', /answered ".+": what is published does not work$/);
    assert.equal(report.row('intention')?.status, 'pass');
  });

  test('an expired leaf is told as what it is', async () => {
    await put(await own.issue('', { names: `URI:${spiffeId}`, days: -1 }), own.certificate);

    const report = await check();

    assert.equal(report.row('published')?.code, 'EXPIRED');
    assert.match(report.row('sidecar')?.detail ?? '', /answered ".+": what is published does not work$/);
  });

  test('the port of the service itself, and one where nothing listens, are told apart', async (t) => {
    const plain = createServer((_request, response) => response.end('plain')).listen(0, '127.0.0.1');
    t.after(() => plain.close());
    await new Promise((resolve) => plain.once('listening', resolve));
    const address = plain.address();
    assert.ok(address !== null && typeof address === 'object');

    assert.equal((await check(address.port)).row('sidecar')?.code, 'SIDECAR_NO_TLS');
    assert.equal((await check(await freePort())).row('sidecar')?.code, 'SIDECAR_UNREACHABLE');
  });
});
