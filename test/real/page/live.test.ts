import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBed, NAMESPACE, SECRET } from '../../e2e/support/bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { freePort } from '../../fixtures/servers/ports.ts';
import { openWindow } from './browser.ts';

/** The browser comes back two seconds after a stream ended; the rest is for a loaded machine. */
const SOON_MS = 60_000;

test('a rotation appears in a page that is open, without a reload, and the title follows', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ _CONSUL_WAIT: '1s' });
  const { page, complaints, close } = await openWindow(`${await daemon.url()}/`);
  await page.locator('#live.live').waitFor();
  await page.evaluate(`window.sameAsBefore = true`);
  const serial = await page.locator('dd', { hasText: /^[0-9a-f]{20,}$/ }).textContent();

  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await page.getByText('still trusted').waitFor({ timeout: SOON_MS });
  await page.getByText('the published leaf does not chain to the active root').waitFor({ timeout: SOON_MS });

  assert.notEqual(await page.locator('dd', { hasText: /^[0-9a-f]{20,}$/ }).textContent(), serial);
  await bed.consul.stop();
  await page.getByRole('heading', { level: 1, name: 'Consul does not answer' }).waitFor({ timeout: SOON_MS });
  assert.match(await page.title(), /^Good, but Consul does not answer, expires in /);
  assert.equal(await page.evaluate(`window.sameAsBefore`), true);
  await close();
  assert.deepEqual(complaints, []);
});

test('says when it is no longer live, and goes on with the daemon that comes after', async (t) => {
  const bed = await makeBed(t);
  const env = { _HTTP_PORT: String(await freePort()) };
  const first = await bed.startReady(env);
  const { page, complaints, close } = await openWindow(`${await first.url()}/`);
  await page.locator('#live.live').waitFor();

  await first.stop();
  await page.getByText(/^Not live: this is how it was at 20\d\d-.* UTC$/).waitFor({ timeout: SOON_MS });
  const second = await bed.startReady(env);
  await page.locator('#live.live').waitFor({ timeout: SOON_MS });

  assert.equal(second.running, true);
  await page.getByText('Nothing: what is published was good.').waitFor();
  await close();
  // While there was none, the browser could not reach it, and says so.
  assert.deepEqual(
    complaints.filter((text) => !/net::ERR_/.test(text)),
    [],
  );
});

test('keeps a command that is being copied, and shows the news afterwards', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { page, complaints, close } = await openWindow(`${await daemon.url()}/`);
  await page.locator('#live.live').waitFor();
  const command = `kubectl -n ${NAMESPACE} describe secret ${SECRET}`;
  await page.evaluate(
    `getSelection().selectAllChildren([...document.querySelectorAll('code')].find(({ textContent }) => textContent.startsWith('kubectl')))`,
  );

  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await page.getByText('Paused while text is selected').waitFor({ timeout: SOON_MS });
  assert.equal(await page.evaluate(`getSelection().toString()`), command);
  assert.equal(await page.getByText('still trusted').count(), 0);

  await page.evaluate(`getSelection().removeAllRanges()`);
  await page.getByText('still trusted').waitFor({ timeout: SOON_MS });
  await page.locator('#live.live').waitFor();
  await close();
  assert.deepEqual(complaints, []);
});

test('is whole where no script runs', async (t) => {
  const bed = await makeBed(t);
  const daemon = await bed.startReady();
  const { page, complaints, close } = await openWindow(`${await daemon.url()}/`, {
    javaScriptEnabled: false,
  });

  for (const part of [
    'Reload to see what is new',
    'The identity is published and works until',
    'Renewal from',
    `spiffe://${bed.consul.trustDomain}/`,
    'no identity was published',
    `kubectl -n ${NAMESPACE} describe secret ${SECRET}`,
  ]) {
    await page.getByText(part).first().waitFor();
  }
  assert.equal(await page.locator('svg.bar').isVisible(), true);
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await eventually(
    'the rotation',
    async () => (await daemon.get('/', 'text/html')).text.includes('trusted'),
    SOON_MS,
  );
  await page.reload();
  await page.getByText('still trusted').waitFor();
  await close();
  assert.deepEqual(complaints, []);
});
