import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';
import { binary } from '../../fixtures/servers/binaries.ts';

let launched: Promise<Browser> | undefined;

// Of the file of tests, not of the one test that launched it.
after(async () => (await launched)?.close());

/** One browser for a file of tests. */
function launch(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: binary('CHROMIUM'),
    env: { ...process.env, FONTCONFIG_FILE: binary('FONTS_CONF') },
    // Its sandbox does not work for root or in most containers; it opens only our own page.
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-lcd-text'],
  });
  return launched;
}

export type Window = Awaited<ReturnType<typeof openWindow>>;

/** Opens a window on the page. Errors of the console, violations of the CSP and requests to another origin are reported. */
export async function openWindow(url: string, options: BrowserContextOptions = {}) {
  const context = await (await launch()).newContext({
    locale: 'en-GB',
    timezoneId: 'Asia/Tokyo',
    ...options,
  });
  const reported: string[] = [];
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') reported.push(message.text());
  });
  page.on('pageerror', (error) => reported.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== new URL(url).origin) reported.push(`requests ${request.url()}`);
  });
  const response = await page.goto(url);
  assert.equal(response?.status(), 200);
  return {
    page,
    /** Closes it. The browser must have reported nothing, except what matches `expected`. */
    async close(expected?: RegExp) {
      await context.close();
      assert.deepEqual(
        reported.filter((text) => expected?.test(text) !== true),
        [],
      );
    },
  };
}

/** The same, once the page has its stream of events. */
export async function openLive(url: string, options: BrowserContextOptions = {}): Promise<Window> {
  const window = await openWindow(url, options);
  await window.page.locator('#live.live').waitFor();
  return window;
}
