import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConsulError } from '../../../src/errors.ts';
import { viewOf } from '../../../src/status/observed.ts';
import { html } from '../../../src/status/page/html.ts';
import { CONTENT_SECURITY_POLICY, renderPage } from '../../../src/status/page/page.ts';
import { bundleOf, NOW, newRoot } from '../identity/support.ts';
import { Scene } from './support.ts';

const EVIL = `"><img src=x onerror=alert(1)><script>alert('&')</script></main>\u202e\u0000\r`;
const TAGS = /<(?:img|script)/;

describe('Text from outside', () => {
  test('is never HTML, in any field of the page', async () => {
    const scene = new Scene({
      version: EVIL,
      ambassadorId: EVIL,
      consulService: EVIL,
      consulServers: [EVIL],
      tlsContext: EVIL,
      target: {
        kind: 'kubernetes',
        server: EVIL,
        secret: { namespace: EVIL, name: EVIL },
        upstreamCaSecret: { namespace: 'a', name: EVIL },
        service: { namespace: EVIL, name: 'b' },
      },
    });
    const root = await newRoot({ name: EVIL.replace(/\p{Cc}/gu, '') });
    await scene.publish(root, { ...bundleOf(root), dropped: [EVIL] });
    for (const reason of [
      'Published',
      'Rejected',
      'Adopted',
      'TrustDomainChanged',
      'Expiring',
      'ConflictingWriter',
    ] as const) {
      scene.eventLog.record({ reason, at: NOW, message: EVIL, code: EVIL, remedy: EVIL });
    }
    const error = new ConsulError('CONSUL_UNEXPECTED_STATUS', EVIL, { remedy: EVIL });
    for (const part of ['roots', 'trust', 'identity', 'service', `watch ${EVIL}`] as const) {
      scene.health.setProblem(part, error);
    }

    const main = scene.render();

    assert.doesNotMatch(main, TAGS);
    assert.doesNotMatch(main, /<\/main>|\u202e|(?!\n)\p{Cc}/u);
    assert.match(main, /&lt;script&gt;alert\(&#39;&amp;&#39;\)/);
    // Every quotation mark begins or ends an attribute of our own.
    for (const [tag] of main.matchAll(/<[a-z][^>]*>/g)) {
      assert.match(tag, /^<[a-z][a-zA-Z0-9]*(?: [a-zA-Z0-9-]+="[^"<>]*")*\/?>$/, tag);
    }
    const page = renderPage(viewOf(scene, NOW));
    assert.equal(page.match(/<script>/g)?.length, 1);
    assert.equal(page.match(/<\/main>/g)?.length, 1);
  });

  test('that is invisible or reverses the order of other text is replaced', () => {
    const text = 'a\u200bb\u202ec\u2066d\u0007e\u2028f\u{e0041}g\ud800h\nä 漢字';
    assert.equal(String(html`${text}`), 'a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh\nä 漢字');
  });
});

describe('The Content-Security-Policy', () => {
  test('allows only the style and the script of the page', () => {
    const scene = new Scene();
    const page = renderPage(viewOf(scene, NOW));

    assert.match(
      CONTENT_SECURITY_POLICY,
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/,
    );
    assert.match(CONTENT_SECURITY_POLICY, /frame-ancestors 'none'$/);
    assert.doesNotMatch(CONTENT_SECURITY_POLICY, /unsafe|\*|https?:/);
    assert.doesNotMatch(page, / style=| on[a-z]+=/);
    assert.equal(page.match(/<style>/g)?.length, 1);
    const found = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url?.slice(0, 10));
    assert.deepEqual(found, ['data:image', 'metrics', 'readyz', 'livez']);
  });
});
