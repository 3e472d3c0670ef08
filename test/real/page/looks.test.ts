import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporary } from '../../e2e/support/temporary.ts';
import { openWindow, type Window } from './browser.ts';
import { headings, lowContrast, overflowing, readsAsWritten } from './inspect.ts';
import { shrinkPng } from './png.ts';
import { SCENES, type Scene } from './scenes.ts';

/** `npm run pictures` names the folder; without it they are taken all the same, and thrown away. */
const PICTURES = process.env['PICTURES_DIR'];
const DESKTOP = { width: 1040, height: 800 };
const PHONE = { width: 360, height: 780 };
const [MIN_BYTES, MAX_BYTES] = [10_000, 100_000];

for (const [name, scene] of Object.entries<Scene>(SCENES)) {
  test(`the page "${name}" reads well on a desk, on a phone and in the dark, and a strict browser has no complaint`, async (t) => {
    const daemon = await scene.arrange(t);
    const url = `${await daemon.url()}/`;
    const pictures = PICTURES ?? temporary();
    mkdirSync(pictures, { recursive: true });

    for (const colorScheme of ['light', 'dark'] as const) {
      const window = await openWindow(url, { viewport: DESKTOP, colorScheme });
      await isLive(window);
      assert.equal(await window.page.locator('h1').textContent(), scene.title);
      assert.deepEqual(await lowContrast(window.page), [], colorScheme);
      assert.deepEqual(await overflowing(window.page), []);
      if (colorScheme === 'light') {
        await assertStructure(window, (await daemon.get('/', 'text/html')).text);
        if (name in PICTURED) await picture(window, join(pictures, `status-${name}.png`), true);
      }
      await closeWithoutComplaint(window);
    }

    const phone = await openWindow(url, { viewport: PHONE, colorScheme: 'dark', deviceScaleFactor: 2 });
    await isLive(phone);
    assert.deepEqual(await overflowing(phone.page), []);
    if (name === 'good') await picture(phone, join(pictures, 'status-phone-dark.png'), false);
    await closeWithoutComplaint(phone);
  });
}

/** The scenes that docs/status-page.md shows. */
const PICTURED: Readonly<Record<string, true>> = { good: true, expiring: true, 'consul-down': true };

async function isLive({ page }: Window): Promise<void> {
  await page.locator('#live.live').waitFor();
}

/** Landmarks, headings in their order, a bar that says in words what it shows, and HTML with nothing to repair. */
async function assertStructure({ page }: Window, html: string): Promise<void> {
  for (const landmark of ['banner', 'main', 'contentinfo'] as const) {
    assert.equal(await page.getByRole(landmark).count(), 1, landmark);
  }
  const levels = await headings(page);
  assert.deepEqual(
    levels.filter((level) => level === 1),
    [1],
  );
  for (const [index, level] of levels.entries()) {
    assert.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index} jumps to level ${level}`);
  }
  if ((await page.locator('figure').count()) > 0) {
    await page.getByRole('img', { name: /^\d+ % of the lifetime is over: / }).waitFor();
  }
  const { written, read } = await readsAsWritten(page, html);
  assert.equal(read, written);
}

async function picture({ page }: Window, path: string, fullPage: boolean): Promise<void> {
  writeFileSync(path, shrinkPng(await page.screenshot({ fullPage, animations: 'disabled' })));
  const { size } = statSync(path);
  assert.ok(size > MIN_BYTES && size < MAX_BYTES, `${path} has ${size} bytes`);
}

async function closeWithoutComplaint(window: Window): Promise<void> {
  await window.close();
  assert.deepEqual(window.complaints, []);
}
