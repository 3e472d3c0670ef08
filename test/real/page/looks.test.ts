import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Bed, type BedOptions, makeBed } from '../../e2e/support/bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { openLive, type Window } from './browser.ts';
import { lowContrast, overflowing } from './inspect.ts';

/** `npm run pictures` sets the folder; otherwise the pictures are discarded. */
const PICTURES = process.env['PICTURES_DIR'];
/** The scenes that docs/status-page.md shows. */
const PICTURED = ['good', 'expiring', 'consul-down'];
const DESKTOP = { width: 1040, height: 800 };
const PHONE = { width: 360, height: 780 };
const HOUR = 3_600_000;
const [MIN_BYTES, MAX_BYTES] = [10_000, 300_000];

/** A leaf of 72 h, Consul's default, `spentHours` of which have passed. */
const withLeaf = (spentHours: number): BedOptions => ({
  consul: { leafTtlMs: (72 - spentHours) * HOUR, backdateMs: spentHours * HOUR },
});
const LONG_NAME = 'a-name-as-long-as-kubernetes-allows-it-for-a-label-and-no-longer';

/** A state of a connector, its Consul and its cluster. */
interface Scene {
  /** The heading of the page then. */
  readonly title: string;
  readonly options?: BedOptions;
  readonly env?: Readonly<Record<string, string>>;
  readonly before?: (bed: Bed) => unknown;
  /** Once the daemon is ready. */
  readonly afterwards?: (bed: Bed) => unknown;
  /** In the HTML at the end. */
  readonly shows: string;
}

const SCENES: Readonly<Record<string, Scene>> = {
  good: {
    title: 'Good',
    options: withLeaf(12),
    afterwards: ({ consul }) => consul.rotateRoot({ leafDelayMs: 500 }),
    shows: '<b>inactive-root</b>',
  },
  expiring: { title: 'About to expire', options: withLeaf(67), shows: '<h1>About to expire</h1>' },
  'consul-down': {
    title: 'Good, but Consul does not answer',
    options: withLeaf(32),
    afterwards: ({ consul }) => consul.stop(),
    shows: '<h2>Consul: roots, leaf</h2>',
  },
  forbidden: {
    title: 'No identity yet',
    env: {
      _AMBASSADOR_ID: LONG_NAME.slice(0, 40),
      _CONSUL_SERVICE: `${LONG_NAME}-${LONG_NAME}-${LONG_NAME}`,
    },
    before: ({ cluster }) => cluster.deny({}),
    shows: 'KUBERNETES_FORBIDDEN',
  },
  folder: { title: 'Good', env: { _OUTPUT_DIR: temporary(), KUBECONFIG: '' }, shows: '<h1>Good</h1>' },
};

for (const [name, { title, options, env, before, afterwards, shows }] of Object.entries(SCENES)) {
  test(`the page "${name}" is legible on a desktop, on a phone and in the dark, and a strict browser reports nothing`, async (t) => {
    const bed = await makeBed(t, options);
    before?.(bed);
    const daemon = bed.start(env);
    if (afterwards !== undefined) await daemon.ready();
    await afterwards?.(bed);
    const isShown = async () => (await daemon.get('/', 'text/html')).text.includes(shows);
    await eventually(`the page shows ${shows}`, isShown);
    const url = `${await daemon.url()}/`;
    const pictures = PICTURES ?? temporary();
    mkdirSync(pictures, { recursive: true });

    for (const colorScheme of ['light', 'dark'] as const) {
      const window = await openLive(url, { viewport: DESKTOP, colorScheme });
      assert.equal(await window.page.locator('h1').textContent(), title);
      assert.deepEqual(await lowContrast(window.page), [], colorScheme);
      assert.deepEqual(await overflowing(window.page), []);
      if (colorScheme === 'light') {
        await assertStructure(window);
        if (PICTURED.includes(name)) await picture(window, join(pictures, `status-${name}.png`));
      }
      await window.close();
    }

    const phone = await openLive(url, { viewport: PHONE, colorScheme: 'dark', deviceScaleFactor: 2 });
    assert.deepEqual(await overflowing(phone.page), []);
    if (name === 'good') await picture(phone, join(pictures, 'status-phone-dark.png'));
    await phone.close();
  });
}

/** Landmarks, headings in their order, and a bar with a text alternative. */
async function assertStructure({ page }: Window): Promise<void> {
  for (const landmark of ['banner', 'main', 'contentinfo'] as const) {
    assert.equal(await page.getByRole(landmark).count(), 1, landmark);
  }
  const levels = await page.evaluate<readonly number[]>(
    `[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ tagName }) => Number(tagName[1]))`,
  );
  assert.equal(levels.filter((level) => level === 1).length, 1);
  for (const [index, level] of levels.entries()) {
    assert.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index} jumps to level ${level}`);
  }
  if ((await page.locator('figure').count()) > 0) {
    await page.getByRole('img', { name: /^\d+ % of the lifetime has passed: / }).waitFor();
  }
}

/** The part in the window: the rest of the page is lists. */
async function picture({ page }: Window, path: string): Promise<void> {
  await page.screenshot({ path, animations: 'disabled' });
  const { size } = statSync(path);
  assert.ok(size > MIN_BYTES && size < MAX_BYTES, `${path} has ${size} bytes`);
}
