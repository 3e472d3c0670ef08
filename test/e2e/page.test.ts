import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { makeBed, NAMESPACE, SECRET, SERVICE } from './support/bed.ts';
import { assertStops, BROWSER } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { temporary } from './support/temporary.ts';
import { watch } from './support/watcher.ts';

/** What others may hold: the oldest goes for a new one. */
const MAX_CONNECTIONS = 64;
const CONNECTION_LASTS_MS = 5_000;

describe('the status page', { concurrency: 3 }, () => {
  test('is HTML to a browser, under a strict policy, and a few lines of text to curl', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();

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
    assert.match(html, /^<!doctype html>\n<html lang="en">/);
    for (const part of [
      '<h1>Good</h1>',
      `kubectl -n ${NAMESPACE} describe secret ${SECRET}`,
      `kubectl -n ${NAMESPACE} describe service ${SERVICE}`,
      bed.consul.url,
      bed.cluster.url,
      `spiffe://${bed.consul.trustDomain}/`,
    ]) {
      assert.ok(html.includes(part), part);
    }
    assert.match(html, /<b>missing<\/b>: no identity was published/);
    assert.match(plain.text, /^ambassador-consul-connector\n\/ +the status page, for browsers\n/);
    assert.ok(plain.text.length < 300);
  });

  test('shows the folder, where that is published to', async (t) => {
    const folder = temporary();
    const bed = await makeBed(t);
    const daemon = await bed.startReady({ _OUTPUT_DIR: folder, KUBECONFIG: '' });

    const { text } = await daemon.get('/', BROWSER);

    assert.ok(text.includes(`ls -lA ${folder}`) && text.includes(`_OUTPUT_DIR=${folder}`));
    assert.doesNotMatch(text, /kubectl/);
  });

  test('tells of what comes and goes while it is watched', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady({ _CONSUL_WAIT: '1s' });
    const watcher = await watch(t, daemon);
    assert.equal(watcher.type, 'text/event-stream; charset=utf-8');
    await watcher.shows(/<h1>Good<\/h1>/);

    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await watcher.shows(/still trusted/);
    await watcher.shows(/<b>inactive-root<\/b>: the published leaf does not chain to the active root/);

    await bed.consul.stop();
    const down = await watcher.shows(/<h1>Good, but Consul does not answer<\/h1>/);
    assert.match(
      down,
      /<b>Remedy:<\/b> (?:nothing listens there|see that Consul runs|Consul has answered there before)/,
    );
    await bed.consul.start();
    await watcher.shows(/<h1>Good<\/h1>/, 60_000);

    const { trustDomain } = bed.consul;
    assert.ok(watcher.last.includes(trustDomain));
  });

  test('tells that the API server is away, while nothing is to be written', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    await bed.watched();
    const watcher = await watch(t, daemon);

    await bed.cluster.stop();
    await watcher.shows(/Kubernetes: watch secrets/);
    await watcher.shows(/<h1>Good, but it cannot be watched<\/h1>/);

    await bed.cluster.start();
    await watcher.shows(/<h1>Good<\/h1>/, 60_000);
  });
});

describe('those who watch the page', { concurrency: 3 }, () => {
  test('outlive the limits that others have, and do not stand in their way', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const watchers = await Promise.all(Array.from({ length: 8 }, () => watch(t, daemon)));
    for (const { status } of watchers) assert.equal(status, 200);

    const { port } = new URL(await daemon.url());
    const idle: Socket[] = Array.from({ length: 3 * MAX_CONNECTIONS }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => undefined),
    );
    t.after(() => {
      for (const socket of idle) socket.destroy();
    });

    assert.equal((await watch(t, daemon)).status, 503, 'a ninth');
    assert.equal((await daemon.get('/livez')).status, 200);
    await sleep(CONNECTION_LASTS_MS + 1_000);
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    for (const watcher of watchers) {
      assert.equal(watcher.ended, false);
      await watcher.shows(/inactive-root/);
    }
  });

  test('see the end within the time that a stop may take', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();
    const watcher = await watch(t, daemon);
    await watcher.shows(/<h1>/);

    await assertStops(daemon);

    await eventually('the end', () => watcher.ended);
  });
});
