import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRoot } from '../fixtures/certificates/factory.ts';
import type { Script } from '../fixtures/consul/script.ts';
import type { RootJson } from '../fixtures/consul/wire.ts';
import { leaf, roots } from './support/answers.ts';
import { assertWorks, type Bed, certificates, makeBed } from './support/bed.ts';
import { eventually } from './support/eventually.ts';
import { SOON } from './support/holds.ts';
import { peakRssMiB } from './support/proc.ts';
import { assertPublishes } from './support/published.ts';

/** The memory limit of the manifest. */
const LIMIT_MIB = 160;
const COMMAND = readFileSync(
  new URL('../../scripts/image/ambassador-consul-connector', import.meta.url),
  'utf8',
);
/** As the image starts it. */
const [IMAGE_HEAP = ''] = /--max-old-space-size=\d+/.exec(COMMAND) ?? [];
/** The manifest's time-out of a probe. */
const PROBE_WITHIN_MS = 3_000;
const LASTS_MS = 3_000;

interface Attack {
  readonly target: 'roots' | 'leaf';
  readonly script: (bed: Bed) => Script | Promise<Script>;
  readonly error: RegExp;
}

describe('what a hostile Consul answers neither ends nor stops the daemon', () => {
  const body =
    (text: string): Script =>
    () => ({ body: text });

  const ATTACKS: Readonly<Record<string, Attack>> = {
    'S3: six megabytes in chunks of one byte': {
      target: 'roots',
      script: () => () => 'tiny-chunks',
      error: /larger than 512 KiB/,
    },
    'S3: as many empty objects as fit': {
      target: 'roots',
      script: () => body(`{"Roots":[${'{},'.repeat(170_000)}{}]}`),
      error: /lists 170001 roots/,
    },
    'S3: as many lists in one another as fit': {
      target: 'roots',
      script: () => body(`{"Roots":${'['.repeat(255_000)}${']'.repeat(255_000)}}`),
      error: /RootCert|roots/,
    },
    'S3: a leaf with as many URIs as fit': {
      target: 'leaf',
      script: (of) => leafOf(of, 1_000),
      error: /^the leaf's URIs are \[spiffe.{800,1000}…$/,
    },
    'S4: 37 roots of eight certificates of one name': {
      target: 'roots',
      script: async () => {
        const sets = await Promise.all(Array.from({ length: 37 }, () => namesakes(8)));
        return roots((listed) => ({ ...listed, Roots: sets.map((pem, n) => copyOf(listed.Roots, n, pem)) }));
      },
      error: /too many signature checks/,
    },
  };

  for (const [name, attack] of Object.entries(ATTACKS)) {
    test(`${name}: 160 MiB, /livez in time, the Secret as it was`, (t) => withstands(t, attack));
  }
});

test('S3: 300 roots are published', async (t) => {
  const bed = await makeBed(t);
  await listInactive(bed, 299);

  const daemon = await bed.startReady({ ...SOON, NODE_OPTIONS: IMAGE_HEAP });

  assert.equal(certificates(bed.entry('ca.crt')).length, 300);
  const peak = peakRssMiB(daemon.pid);
  assert.ok(peak < LIMIT_MIB, `${peak} MiB`);
});

test('I6: a leaf is renewed with the bundle of before while Consul lists more roots than are read, and the reason is shown', async (t) => {
  const bed = await makeBed(t, { consul: { leafTtlMs: 20_000 } });
  const daemon = await bed.startReady();
  const [before, bundle] = [bed.entry('tls.crt'), bed.entry('ca.crt')];
  await listInactive(bed, 310);

  const { remedy } = await daemon.line(({ error }) =>
    /it lists 311 roots, and at most 300 are read/.test(String(error)),
  );
  await eventually('the leaf is renewed', () => bed.entry('tls.crt') !== before);

  assert.match(String(remedy), /./);
  assert.equal(bed.entry('ca.crt'), bundle);
  assertWorks(bed.entry('tls.crt'), bed.consul.activeRoot.authority.certPem);
  const { text } = await daemon.get('/readyz');
  assert.match(text, /roots: .* lists 311 roots/);
});

async function listInactive({ consul }: Bed, count: number): Promise<void> {
  const { trustDomain } = consul;
  consul.listInactiveRoots(
    await Promise.all(Array.from({ length: count }, () => createRoot({ trustDomain }))),
  );
}

async function withstands(t: TestContext, { target, script, error }: Attack): Promise<void> {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ ...SOON, NODE_OPTIONS: IMAGE_HEAP });
  const [published, logged] = [bed.secret(), daemon.logs.length];
  bed.consul.script(target, await script(bed));

  const line = await eventually(
    () => `an error ${error} after line ${logged} of\n${daemon.stdout.slice(-4_000)}${daemon.stderr}`,
    () => daemon.logs.slice(logged).find((found) => error.test(String(found['error']))),
  );
  assert.ok(JSON.stringify(line).length < 4_000);
  for (const until = performance.now() + LASTS_MS; performance.now() < until; await sleep(50)) {
    const from = performance.now();
    assert.equal((await daemon.get('/livez')).status, 200);
    assert.ok(performance.now() - from < PROBE_WITHIN_MS, `/livez after ${performance.now() - from} ms`);
  }

  assert.deepEqual(bed.secret(), published);
  const peak = peakRssMiB(daemon.pid);
  assert.ok(peak < LIMIT_MIB, `${peak} MiB`);
  bed.consul.clearScripts();
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await assertPublishes(bed, 60_000);
}

async function leafOf(bed: Bed, uris: number): Promise<Script> {
  const issued = await bed.consul.activeRoot.authority.issueLeaf({
    service: 'ambassador',
    uris: Array.from(
      { length: uris },
      (_, n) => `spiffe://of.consul/${String(n).padStart(6, '0')}/and/so/on`,
    ),
  });
  return leaf(issued, issued.chainPem);
}

/** Certificates of which each may have signed each by its name, and none has. */
async function namesakes(count: number): Promise<string> {
  const bare = { name: 'Consul CA', keyIdentifiers: false, keyType: 'ec-p384' } as const;
  const other = await createRoot(bare);
  const made = await Promise.all(Array.from({ length: count }, () => other.issueIntermediate(bare)));
  return made.map(({ certPem }) => certPem).join('');
}

function copyOf([first]: readonly RootJson[], n: number, RootCert: string): RootJson {
  assert.ok(first);
  return {
    ...first,
    ID: n === 0 ? first.ID : `${first.ID}:${n}`,
    Active: n === 0,
    RootCert,
    IntermediateCerts: null,
  };
}
