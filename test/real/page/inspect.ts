import type { Page } from 'playwright-core';

// As text, since what tsx makes of a function needs helpers that the page does not have.

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3), each with its ratio. */
export function lowContrast(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const groundOf = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const [r, g, b, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return [r, g, b];
        if (alpha > 0) throw new Error('a ground one can see through');
      }
      throw new Error('no ground');
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const low = [];
    let seen = 0;
    while (walker.nextNode()) {
      const { parentElement: element, data } = walker.currentNode;
      if (data.trim() === '' || element.closest('script, style') !== null) continue;
      const style = getComputedStyle(element);
      const text = luminance(parse(element instanceof SVGElement ? style.fill : style.color));
      const ground = luminance(groundOf(element));
      const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
      seen += 1;
      if (ratio < 4.5) low.push(data.trim() + ' ' + ratio.toFixed(2));
    }
    if (seen < 20) throw new Error('only ' + seen + ' texts');
    return low;
  })()`);
}

/** What stands out of the window to the right. */
export function overflowing(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const out = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 100));
    return scrollWidth > clientWidth ? [scrollWidth + ' px', ...out] : out;
  })()`);
}

/** Whether the browser reads `html` as it is written, with nothing to repair: what it makes of it is the same text again. */
export function readsAsWritten(page: Page, html: string): Promise<{ written: string; read: string }> {
  return page.evaluate(`((html) => {
    const normal = (text) =>
      text
        .replace(/^<!doctype html>\\n/, '')
        .replace(/\\/>/g, '>')
        .replace(/&(quot|#39);/g, (entity) => (entity === '&quot;' ? '"' : "'"))
        .replace(/<\\/(rect|line|br)>/g, '')
        .replace(/\\s+/g, ' ')
        .replace(/> </g, '><')
        .trim();
    const written = normal(html);
    const document = new DOMParser().parseFromString(html, 'text/html');
    return { written, read: normal(document.documentElement.outerHTML) };
  })(${JSON.stringify(html)})`);
}

/** The levels of the headings, from the top. */
export function headings(page: Page): Promise<readonly number[]> {
  return page.evaluate(
    `[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ tagName }) => Number(tagName[1]))`,
  );
}
