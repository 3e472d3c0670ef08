import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tooManyRequests, webhookDenied } from '../fixtures/kubernetes/index.ts';
import { makeBed } from './support/bed.ts';
import { BROWSER } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';

const RETRY_AFTER_SECONDS = 5;
/** A timer may end a little early. */
const ROUNDING_MS = 50;

describe('the API server rejects a write:', { concurrency: 2 }, () => {
  test('K9: with 429 and Retry-After, no write before that time, though Consul has new roots', async (t) => {
    const bed = await makeBed(t);
    bed.cluster.script({ verb: 'create', resource: 'secrets' }, tooManyRequests(RETRY_AFTER_SECONDS));
    const writes = () =>
      bed.cluster.requests.filter(({ verb, resource }) => verb === 'create' && resource === 'secrets');
    const daemon = bed.start();
    await eventually('the first write', () => writes().length === 1);

    while (writes().length === 1) {
      await bed.consul.rotateRoot();
      await sleep(500);
    }

    const [first = 0, second = 0] = writes().map(({ at }) => at);
    assert.ok(second - first >= RETRY_AFTER_SECONDS * 1_000 - ROUNDING_MS, `${second - first} ms`);
    bed.cluster.clearScripts();
    await daemon.ready();
  });

  test('S5: with a denial that quotes the key, neither log nor page shows it', async (t) => {
    const bed = await makeBed(t);
    const { keyPem } = (await bed.consul.leaf('ambassador')).issued;
    const encoded = Buffer.from(keyPem).toString('base64');
    bed.cluster.script(
      { verb: 'create', resource: 'secrets' },
      webhookDenied('policy.example.com', `data[tls.key] is "${encoded}", that is ${keyPem}`),
    );
    const daemon = bed.start();

    const { error, remedy } = await daemon.line(({ code }) => code === 'KUBERNETES_REJECTED');

    assert.match(
      String(error),
      /denied the request: data\[tls\.key\] is "\[redacted\]", that is \[redacted\]$/,
    );
    assert.match(String(remedy), /the owner of the admission webhook policy\.example\.com/);
    for (const page of ['/', '/readyz']) {
      const { text } = await daemon.get(page, BROWSER);
      assert.match(text, /redacted/, page);
      for (const line of keyPem.split('\n').filter((each) => each !== '' && !each.startsWith('-----')))
        assert.ok(!text.includes(line), page);
    }
  });
});
