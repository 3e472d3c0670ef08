import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, withJson } from '../fixtures/consul/answer.ts';
import type { RootsJson } from '../fixtures/consul/wire.ts';
import { makeBed } from './support/bed.ts';
import { assertNoSecrets } from './support/secrets.ts';

describe('the status port', { concurrency: 3 }, () => {
  test('says that the loops turn, that it is ready, and what it did', async (t) => {
    const bed = await makeBed(t);
    const daemon = await bed.startReady();

    const [live, ready, index, unknown] = await Promise.all(
      ['/livez', '/readyz', '/', '/nothing'].map((path) => daemon.get(path)),
    );

    assert.deepEqual(live, { status: 200, text: 'ok\n' });
    assert.deepEqual(ready, { status: 200, text: 'ok\n' });
    assert.equal(index?.status, 200);
    assert.equal(unknown?.status, 404);
    assert.equal(await daemon.metric('writes_total', 'object="identity"', 'reason="missing"'), 1);
    assert.equal(await daemon.metric('writes_total', 'object="service"'), 1);
    assert.equal(await daemon.metric('ready '), 1);
    const { issued } = await bed.consul.leaf('ambassador');
    assert.equal(
      await daemon.metric('leaf_not_after_timestamp_seconds '),
      Math.floor(issued.notAfter.getTime() / 1000),
    );
  });

  test('is unready with the reason before the leaf expires, and alive', async (t) => {
    const bed = await makeBed(t, { consul: { leafTtlMs: 15_000 } });
    let first: Answer | undefined;
    bed.consul.script('leaf', async (request, truth) => {
      if (request.query.has('index')) return 'hang';
      first ??= await truth.now();
      return first;
    });
    const daemon = await bed.startReady();
    const published = bed.entry('tls.crt');

    const reason = await daemon.unready(/^the published leaf expires at /);

    assert.ok(Date.parse(reason.split(' expires at ')[1]?.trim() ?? '') > Date.now(), reason);
    assert.equal((await daemon.get('/livez')).status, 200);
    assert.equal(bed.entry('tls.crt'), published);
    assert.equal(await daemon.metric('ready '), 0);
  });

  test('gives roots that cannot be used as the reason', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('roots', async (_request, truth) =>
      withJson<RootsJson>(await truth.now(), (body) => ({
        ...body,
        Roots: body.Roots.map((root) => ({ ...root, RootCert: 'none' })),
      })),
    );
    const daemon = bed.start();

    await daemon.unready(/^trust: .*root/m);

    bed.consul.clearScripts();
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await daemon.ready();
  });

  test('is alive and unready while nothing answers', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('any', () => 'hang');
    bed.cluster.script({}, 'hang');
    const daemon = bed.start();

    await daemon.unready(/nothing is published yet/);

    assert.equal((await daemon.get('/livez')).status, 200);
  });
});

describe('the search for secrets that ends every test', () => {
  for (const [what, output] of [
    ['a key', '-----BEGIN EC PRIVATE KEY-----'],
    ['a key as a Secret holds it', Buffer.from('-----BEGIN EC PRIVATE KEY-----\n').toString('base64')],
    ['a token', 'Bearer of-bad-news'],
  ] as const) {
    test(`finds ${what}`, () => {
      assert.throws(() => assertNoSecrets(`{"msg":"${output}"}`, ['of-bad-news']));
    });
  }
});
