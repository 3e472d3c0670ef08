import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { makeBed } from './support/bed.ts';
import { assertStops, BROWSER, type Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

const MAX_CONNECTIONS = 64;
const CONNECTION_LASTS_MS = 5_000;

test('the probes answer `ok`; the status page is HTML to a browser, under a strict policy, and a few lines of text to curl', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();

  for (const probe of ['/livez', '/readyz'])
    assert.deepEqual(await daemon.get(probe), { status: 200, text: 'ok\n' });
  assert.equal(await daemon.metric('ready '), 1);
  assert.equal((await daemon.get('/nothing')).status, 404);
  const page = await request(`${await daemon.url()}/`, { headers: { accept: BROWSER }, reset: true });
  const html = await page.body.text();
  const plain = await daemon.get('/');

  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.match(
    String(page.headers['content-security-policy']),
    /^default-src 'none'; .*frame-ancestors 'none'$/,
  );
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.equal(page.headers['referrer-policy'], 'no-referrer');
  assert.equal(page.headers['cache-control'], 'no-store');
  assert.match(html, /^<!doctype html>\n<html lang="en">[\s\S]*<h1>Good<\/h1>/);
  assert.equal(plain.status, 200);
  assert.match(plain.text, /^ambassador-consul-connector\n\/ +the status page, for browsers\n/);
  assert.ok(plain.text.length < 300);
});

test('the daemon is live and unready while neither Consul nor Kubernetes answers', async (t) => {
  const bed = await makeBed(t);
  bed.consul.script('any', () => 'hang');
  bed.cluster.script({}, 'hang');
  const daemon = bed.start();

  await daemon.unready(/nothing is published yet/);

  assert.equal((await daemon.get('/livez')).status, 200);
  assert.equal(await daemon.metric('ready '), 0);
});

test('open pages are exempt from the limits of other connections, do not block those, and end with the daemon', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const watchers = await Promise.all(Array.from({ length: 8 }, () => watch(t, daemon)));
  for (const { response } of watchers)
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
  const { port } = new URL(await daemon.url());
  const idle = Array.from({ length: 3 * MAX_CONNECTIONS }, () =>
    connect(Number(port), '127.0.0.1').on('error', () => undefined),
  );
  t.after(() => {
    for (const socket of idle) socket.destroy();
  });

  assert.equal((await watch(t, daemon)).response.statusCode, 503, 'a ninth');
  assert.equal((await daemon.get('/livez')).status, 200);
  await sleep(CONNECTION_LASTS_MS + 1_000);
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  for (const watcher of watchers) {
    assert.equal(watcher.ended, false);
    await eventually('an event of the rotation', () => watcher.text.includes('inactive-root'));
  }
  await assertStops(daemon);
  await eventually('the end of each', () => watchers.every(({ ended }) => ended));
});

/** Opens `/events` as a browser does; the events are searched for secrets too. */
async function watch(t: TestContext, daemon: Daemon) {
  const url = `${await daemon.url()}/events`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(url, { agent: false }, resolve).on('error', reject);
    t.after(() => request.destroy());
  });
  const watcher = { response, text: '', ended: false };
  response.setEncoding('utf8').on('data', (text: string) => {
    watcher.text += text;
    daemon.served += text;
  });
  response
    .on('error', () => undefined)
    .on('close', () => {
      watcher.ended = true;
    });
  return watcher;
}
