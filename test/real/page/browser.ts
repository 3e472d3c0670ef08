import assert from 'node:assert/strict';
import { after } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { binary } from '../../fixtures/servers/binaries.ts';

let launched: Promise<Browser> | undefined;

// Of the file of tests, not of the one test that launched it.
after(async () => (await launched)?.close());

/** One browser for a file of tests, with nothing but what the machine has. */
function launch(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: binary('CHROMIUM'),
    env: { ...process.env, FONTCONFIG_FILE: binary('FONTS_CONF') },
    // Its sandbox does not work for root, nor in most containers; it sees nothing but our own page.
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-lcd-text'],
  });
  return launched;
}

/** A window on the page, and all that a strict browser has to say about it. */
export interface Window {
  readonly page: Page;
  /** Errors of the console, violations of the CSP, requests to another origin: must stay empty. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function openWindow(url: string, options: BrowserContextOptions = {}): Promise<Window> {
  const context = await (await launch()).newContext({
    locale: 'en-GB',
    timezoneId: 'Asia/Tokyo',
    ...options,
  });
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== new URL(url).origin) complaints.push(`asked ${request.url()}`);
  });
  const response = await page.goto(url);
  assert.equal(response?.status(), 200);
  return { page, complaints, close: () => context.close() };
}
