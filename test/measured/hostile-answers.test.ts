import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issue, leaf, roots } from '../e2e/support/answers.ts';
import { assertWorks, type Bed, certificates, makeBed } from '../e2e/support/bed.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { peakRssMiB } from '../e2e/support/proc.ts';
import { assertBounded, assertPublishes } from '../e2e/support/published.ts';
import { createRoot } from '../fixtures/certificates/factory.ts';
import type { Script } from '../fixtures/consul/script.ts';
import type { RootJson } from '../fixtures/consul/wire.ts';

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
/** A blocking query ends after a second, so that an attack shows soon. */
const SOON = { _CONSUL_WAIT: '1s' };

interface Fault {
  readonly target: 'roots' | 'leaf';
  readonly script: (bed: Bed) => Script | Promise<Script>;
  readonly error: RegExp;
  readonly remedy?: RegExp;
}

describe('unusable and hostile responses of Consul are reported, and leave the Secret unchanged', () => {
  const body =
    (text: string): Script =>
    () => ({ body: text });

  // `unit/consul/`, `unit/identity/` and `unit/recorded/` have the other unusable responses.
  const FAULTS: Readonly<Record<string, Fault>> = {
    '4: no roots': {
      target: 'roots',
      script: () => roots((listed) => ({ ...listed, Roots: [] })),
      error: /lists no CA root/,
      remedy: /log of the Consul leader/,
    },
    '12: the key of another certificate': {
      target: 'leaf',
      script: async (bed) => leaf(await issue(bed), (await issue(bed)).chainPem),
      error: /key matches none of the certificates/,
      remedy: /restart the Consul agent/,
    },
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
    'S3: as many nested lists as fit': {
      target: 'roots',
      script: () => body(`{"Roots":${'['.repeat(255_000)}${']'.repeat(255_000)}}`),
      error: /RootCert|roots/,
    },
    'S3: a leaf with as many URIs as fit': {
      target: 'leaf',
      script: leafOfManyUris,
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

  for (const [name, fault] of Object.entries(FAULTS)) {
    test(`${name}: 160 MiB, /livez in time, Secret unchanged, then recovery`, (t) => withstands(t, fault));
  }
});

test('S3, I6: 300 roots are published; with more, a leaf is renewed with the previous bundle, and the reason is shown', async (t) => {
  const bed = await makeBed(t, { consul: { leafTtlMs: 20_000 } });
  const { trustDomain } = bed.consul;
  const inactive = await Promise.all(Array.from({ length: 310 }, () => createRoot({ trustDomain })));
  bed.consul.listInactiveRoots(inactive.slice(0, 299));

  const daemon = await bed.startReady({ NODE_OPTIONS: IMAGE_HEAP });

  const bundle = bed.entry('ca.crt');
  assert.equal(certificates(bundle).length, 300);
  const peak = peakRssMiB(daemon.pid);
  assert.ok(peak < LIMIT_MIB, `${peak} MiB`);
  bed.consul.listInactiveRoots(inactive);
  const { remedy } = await daemon.line(({ error }) =>
    /it lists 311 roots, and at most 300 are read/.test(String(error)),
  );
  const before = bed.entry('tls.crt');
  await eventually('the leaf is renewed', () => bed.entry('tls.crt') !== before);

  assert.match(String(remedy), /./);
  assert.equal(bed.entry('ca.crt'), bundle);
  assertWorks(bed.entry('tls.crt'), bed.consul.activeRoot.authority.certPem);
  const { text } = await daemon.get('/readyz');
  assert.match(text, /roots: .* lists 311 roots/);
});

async function withstands(t: TestContext, { target, script, error, remedy = /(?:)/ }: Fault): Promise<void> {
  const bed = await makeBed(t);
  const daemon = await bed.startReady({ ...SOON, NODE_OPTIONS: IMAGE_HEAP });
  const [published, logged] = [bed.secret(), daemon.logs.length];
  const faulty = await script(bed);
  const [from, startedAt] = [bed.consul.requests.length, performance.now()];
  bed.consul.script(target, faulty);

  const line = await eventually(
    () => `an error ${error} after line ${logged} of\n${daemon.stdout.slice(-4_000)}${daemon.stderr}`,
    () => daemon.logs.slice(logged).find((found) => error.test(String(found['error']))),
  );
  assert.ok(JSON.stringify(line).length < 4_000);
  assert.match(String(line['remedy']), remedy);
  for (const until = performance.now() + LASTS_MS; performance.now() < until; await sleep(50)) {
    const sentAt = performance.now();
    assert.equal((await daemon.get('/livez')).status, 200);
    assert.ok(performance.now() - sentAt < PROBE_WITHIN_MS, `/livez after ${performance.now() - sentAt} ms`);
  }

  // A rejected leaf or list of roots is counted as such, and an unusable response with its query.
  const code = String(line['code']);
  const counts = [
    await daemon.metric('consul_queries_total', `query="${target}"`, `outcome="${code}"`),
    await daemon.metric('rejected_candidates_total', `code="${code}"`),
  ];
  assert.ok(Math.max(...counts) > 0, `${code} is counted`);
  const requests = bed.consul.requests.slice(from).filter((request) => request.target === target);
  assertBounded(requests.length, performance.now() - startedAt);
  assert.deepEqual(bed.secret(), published);
  const peak = peakRssMiB(daemon.pid);
  assert.ok(peak < LIMIT_MIB, `${peak} MiB`);
  bed.consul.clearScripts();
  await bed.consul.rotateRoot({ leafDelayMs: 0 });
  await assertPublishes(bed, 60_000);
  await daemon.ready();
}

async function leafOfManyUris(bed: Bed): Promise<Script> {
  const uriOf = (n: number): string => `spiffe://of.consul/${String(n).padStart(6, '0')}/and/so/on`;
  const uris = Array.from({ length: 1_000 }, (_, n) => uriOf(n));
  const issued = await issue(bed, { uris });
  return leaf(issued, issued.chainPem);
}

/** Certificates that could have signed one another by their names, and did not. */
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
