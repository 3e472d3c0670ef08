import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Bed, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { SOON } from './support/holds.ts';
import { assertPublishes } from './support/published.ts';
import { handOutToken } from './support/secrets.ts';
import { temporary } from './support/temporary.ts';

const WITHIN_MS = 20_000;

describe('20: the ACL token of Consul', { concurrency: 2 }, () => {
  test('20: token file replaced while running: the new one is sent without a restart or a failure', async (t) => {
    const { bed, put } = await guardedBed(t);
    const [first, second] = [put(), randomUUID()];
    const daemon = await bed.startReady({ ...SOON, CONSUL_HTTP_TOKEN_FILE: put.path });
    allow(bed, first, second);

    put(second);

    const isSent = () => bed.consul.requests.some(({ headers }) => headers['x-consul-token'] === second);
    await eventually('the new token is sent', isSent, WITHIN_MS);
    allow(bed, second);
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await assertPublishes(bed, WITHIN_MS);
    assert.ok(!daemon.logs.some(({ code }) => code !== undefined), daemon.stdout);
  });

  test('20: token revoked and replaced: recovers without a restart', async (t) => {
    const { bed, put } = await guardedBed(t);
    put();
    const daemon = await bed.startReady({ ...SOON, CONSUL_HTTP_TOKEN_FILE: put.path });
    const before = bed.secret();

    allow(bed);
    // Until then the agent gives the leaf that it has signed for that token.
    await bed.consul.restart();
    const { remedy } = await daemon.line(({ code }) => code === 'CONSUL_TOKEN_UNKNOWN', WITHIN_MS);
    assert.match(String(remedy), /into the file of CONSUL_HTTP_TOKEN_FILE/);
    assert.deepEqual(bed.secret(), before);

    put();
    await bed.consul.rotateRoot({ leafDelayMs: 0 });
    await assertPublishes(bed, WITHIN_MS);
  });
});

/** From now on these tokens may have the leaf, and no other. */
function allow(bed: Bed, ...tokens: readonly string[]): void {
  for (const token of tokens) handOutToken(token);
  bed.consul.setAcl({
    tokens: Object.fromEntries(tokens.map((token) => [token, { serviceWrite: ['ambassador'] }])),
  });
}

/** A bed with ACLs on; `put` makes a token the one in the file and the one that is allowed. */
async function guardedBed(t: TestContext) {
  const folder = temporary();
  const bed = await makeBed(t, { consul: { acl: { tokens: {} } } });
  const path = join(folder, 'token');
  const put = (token: string = randomUUID()): string => {
    allow(bed, token);
    writeFileSync(`${path}.new`, `${token}\n`);
    renameSync(`${path}.new`, path);
    return token;
  };
  return { bed, put: Object.assign(put, { path }) };
}
