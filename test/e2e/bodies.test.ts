import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { spiffeUri } from '../fixtures/certificates/factory.ts';
import { makeBed } from './support/bed.ts';
import { useHolds } from './support/holds.ts';
import { publishedPath } from './support/published.ts';

const MEBIBYTE = 1024 * 1024;

describe('bodies and paths', () => {
  const holds = useHolds();

  test('17: truncated JSON: holds', () =>
    holds({
      target: 'leaf',
      script: () => async (_request, truth) => {
        const answer = await truth.blocked();
        return { ...answer, body: answer.body.slice(0, answer.body.length / 2) };
      },
      code: 'CONSUL_INVALID_RESPONSE',
      error: /not whole JSON/,
      remedy: /lead to Consul itself/,
    }));

  test('17: a body of 20 MiB: holds', () =>
    holds({
      target: 'leaf',
      script: () => () => ({ body: Buffer.alloc(20 * MEBIBYTE, ' ') }),
      code: 'CONSUL_INVALID_RESPONSE',
      error: /larger than 64 KiB/,
      remedy: /_CONSUL_HOST and _CONSUL_PORT/,
    }));

  test('17: gzip works', async (t) => {
    const bed = await makeBed(t);
    bed.consul.script('any', async (_request, truth) => {
      const answer = await truth.blocked();
      const headers = { ...answer.headers, 'Content-Encoding': 'gzip' };
      const body = gzipSync(answer.body);
      return { ...answer, headers: { ...headers, 'Content-Length': String(body.length) }, body };
    });

    await bed.startReady();

    publishedPath(bed);
  });

  for (const [service, segment] of [
    ['a b', 'a%20b'],
    ['ä', '%C3%A4'],
    ['50%', '50%25'],
  ] as const) {
    test(`18: service name \`${service}\`: the request path is right`, async (t) => {
      const bed = await makeBed(t);

      await bed.startReady({ _CONSUL_SERVICE: service });

      const [asked] = bed.consul.requests.filter(({ target }) => target === 'leaf');
      assert.equal(asked?.path, `/v1/agent/connect/ca/leaf/${segment}`);
      const [leaf] = publishedPath(bed);
      const uri = spiffeUri({ service, trustDomain: bed.consul.trustDomain });
      assert.equal(leaf?.subjectAltName, `URI:${uri}`);
    });
  }
});
