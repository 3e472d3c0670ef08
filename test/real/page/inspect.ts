import type { Page } from 'playwright-core';

// As text: a function compiled by tsx needs helpers that the page does not have.

/** Texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3), each with its ratio. */
export function lowContrast(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const backgroundOf = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const [r, g, b, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
        if (alpha === 1) return [r, g, b];
        if (alpha > 0) throw new Error('a translucent background');
      }
      throw new Error('no background');
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const low = [];
    let seen = 0;
    while (walker.nextNode()) {
      const { parentElement: element, data } = walker.currentNode;
      if (data.trim() === '' || element.closest('script, style') !== null) continue;
      const style = getComputedStyle(element);
      const text = luminance(parse(element instanceof SVGElement ? style.fill : style.color));
      const background = luminance(backgroundOf(element));
      const ratio = (Math.max(text, background) + 0.05) / (Math.min(text, background) + 0.05);
      seen += 1;
      if (ratio < 4.5) low.push(data.trim() + ' ' + ratio.toFixed(2));
    }
    if (seen < 20) throw new Error('only ' + seen + ' texts');
    return low;
  })()`);
}

/** The elements that exceed the window to the right. */
export function overflowing(page: Page): Promise<readonly string[]> {
  return page.evaluate(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const out = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 100));
    return scrollWidth > clientWidth ? [scrollWidth + ' px', ...out] : out;
  })()`);
}
