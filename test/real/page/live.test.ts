import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed, NAMESPACE, SECRET } from '../../e2e/support/bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { freePort } from '../../fixtures/servers/ports.ts';
import { openLive, openWindow } from './browser.ts';

/** The browser reconnects two seconds after the end of a stream; the rest is for a loaded machine. */
const SOON = { timeout: 60_000 };
const COMMAND = `kubectl -n ${NAMESPACE} describe secret ${SECRET}`;

test('an open page shows a rotation without a reload, also in its title', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ _CONSUL_WAIT: '1s' });
  const { page, close } = await openLive(`${await daemon.url()}/`);
  await page.evaluate(`window.sameAsBefore = true`);
  const serial = page.locator('dd', { hasText: /^[0-9a-f]{20,}$/ });
  const before = await serial.textContent();

  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await page.getByText('still trusted').waitFor(SOON);
  await page.getByText('the published leaf does not chain to the active root').waitFor(SOON);

  assert.notEqual(await serial.textContent(), before);
  await bed.consul.stop();
  await page.getByRole('heading', { level: 1, name: 'Consul does not answer' }).waitFor(SOON);
  assert.match(await page.title(), /^Good, but Consul does not answer, expires in /);
  assert.equal(await page.evaluate(`window.sameAsBefore`), true);
  await close();
});

test('shows that it is no longer live, and continues with the next daemon', async (t) => {
  const bed = await makeBed(t);
  const env = { _HTTP_PORT: String(await freePort()) };
  const first = await bed.startReady(env);
  const { page, close } = await openLive(`${await first.url()}/`);

  await first.stop();
  await page.getByText(/^Not live: .* 20\d\d-.* UTC$/).waitFor(SOON);
  const second = await bed.startReady(env);
  await page.locator('#live.live').waitFor(SOON);

  assert.equal(second.running, true);
  await page.getByText('None: the published identity was valid.').waitFor();
  // Without a daemon the browser could not connect.
  await close(/net::ERR_/);
});

test('does not change while a command is copied, and shows the changes afterwards', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { page, close } = await openLive(`${await daemon.url()}/`);
  await page.evaluate(
    `getSelection().selectAllChildren([...document.querySelectorAll('code')].find(({ textContent }) => textContent.startsWith('kubectl')))`,
  );

  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await page.getByText('Paused while text is selected').waitFor(SOON);
  assert.equal(await page.evaluate(`getSelection().toString()`), COMMAND);
  assert.equal(await page.getByText('still trusted').count(), 0);

  await page.evaluate(`getSelection().removeAllRanges()`);
  await page.getByText('still trusted').waitFor(SOON);
  await page.locator('#live.live').waitFor();
  await close();
});

test('is complete without scripts', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { page, close } = await openWindow(`${await daemon.url()}/`, { javaScriptEnabled: false });

  for (const part of [
    /^Reload /,
    'The identity is published and valid until',
    'Renewal from',
    `spiffe://${bed.consul.trustDomain}/`,
    'no identity was published',
    COMMAND,
  ])
    await page.getByText(part).first().waitFor();
  assert.equal(await page.locator('svg.bar').isVisible(), true);
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  const isRotated = async () => (await daemon.get('/', 'text/html')).text.includes('trusted');
  await eventually('the rotation', isRotated);
  await page.reload();
  await page.getByText('still trusted').waitFor();
  await close();
});
