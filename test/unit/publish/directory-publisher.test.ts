import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { systemClock } from '../../../src/lib/clock.ts';
import type { OutputFiles } from '../../../src/publish/directory/output.ts';
import { DirectoryPublisher } from '../../../src/publish/directory/publisher.ts';
import type { ObjectNames } from '../../../src/publish/manifests.ts';
import type { Publication } from '../../../src/publish/publisher.ts';
import { renderTlsContext } from '../../../src/publish/tls-context.ts';
import { temporary } from '../../e2e/support/temporary.ts';
import { newContent, SEED_NAMES } from './support.ts';

const base = temporary();
const content = await newContent();
const FILES: OutputFiles = {
  keyMode: 0o600,
  owner: undefined,
  group: undefined,
  extra: [],
  keystorePassword: 'changeit',
};
let directory = base;
let folders = 0;

beforeEach(() => {
  folders += 1;
  directory = join(base, String(folders));
});

function publisher(
  options: { serviceEnabled?: boolean; apiVersion?: string; names?: ObjectNames; files?: OutputFiles } = {},
): DirectoryPublisher {
  const clock = { ...systemClock, now: () => Date.UTC(2030, 0, 15, 12) };
  const apiVersion = 'getambassador.io/v2';
  const defaults = { names: SEED_NAMES, serviceEnabled: true, apiVersion, files: FILES, reload: undefined };
  return new DirectoryPublisher({ directory, clock, ...defaults, ...options });
}

function publication(): Publication {
  return { content, cause: { reason: 'missing', detail: 'no identity was published' } };
}

const signal = new AbortController().signal;

const manifest = async (name: string) => parse(await readFile(join(directory, name), 'utf8'));

/** The write record in the Secret's manifest. */
const record = async (): Promise<Record<string, string>> =>
  (await manifest('secret.yaml')).metadata.annotations;

test('nothing is read from a folder that does not exist yet', async () => {
  assert.equal(await publisher().read(signal), undefined);
});

test('what was written is read back', async () => {
  const outcome = await publisher().write({ ...publication(), rootsIndex: 42n });

  assert.equal(outcome, 'written');
  assert.deepEqual(await publisher().read(signal), {
    certificatePem: content.tlsCrt,
    privateKeyPem: content.tlsKey,
    caPem: content.caCrt,
    upstreamCaPem: undefined,
    rootsIndex: 42n,
    upstreamRootsIndex: undefined,
    writtenSerial: content.identity.leaf.serialNumber,
    writes: ['2030-01-15T12:00:00.000Z missing: no identity was published'],
  });
});

test('the write record is kept while the data are unchanged, and goes into the history as on a Secret', async () => {
  await publisher().write(publication());
  await rm(join(directory, 'service.yaml'));
  await publisher().write({ content, cause: { reason: 'repair', detail: 'labels were modified' } });
  assert.equal(
    (await record())['ambassador-consul-connector/write-reason'],
    'missing: no identity was published',
  );

  const renewed = await newContent();
  await publisher().write({ content: renewed, cause: { reason: 'renewal-due', detail: '39 % left' } });

  const annotations = await record();
  assert.equal(annotations['ambassador-consul-connector/write-reason'], 'renewal-due: 39 % left');
  assert.match(
    annotations['ambassador-consul-connector/write-history'] ?? '',
    /^2030-01-15T12:00:00.000Z missing: no identity was published$/,
  );
});

test('with upstream verification the roots are read back, and there is a manifest of the second Secret', async () => {
  const names = { ...SEED_NAMES, upstreamCaSecret: 'ambassador-consul-connect-ca' };
  await publisher({ names }).write(publication());
  assert.equal((await publisher({ names }).read(signal))?.upstreamCaPem, content.caCrt);
  const { metadata, type } = await manifest('ca-secret.yaml');
  assert.deepEqual([metadata.name, type], ['ambassador-consul-connect-ca', 'Opaque']);
});

test('a key that is missing beside its certificate is read as an empty one', async () => {
  await publisher().write(publication());
  await rm(join(directory, 'tls.key'));
  assert.equal((await publisher().read(signal))?.privateKeyPem, '');
});

test('the manifests are beside the files, with the apiVersion of the configuration', async () => {
  const apiVersion = 'getambassador.io/v3alpha1';
  await publisher({ apiVersion }).write(publication());
  const { data } = await manifest('secret.yaml');
  const { metadata } = await manifest('service.yaml');
  assert.equal(data['tls.key'], Buffer.from(content.tlsKey).toString('base64'));
  assert.equal(metadata.annotations['getambassador.io/config'], renderTlsContext(SEED_NAMES, apiVersion));
});

test('without the Service there is no manifest of it', async () => {
  await publisher({ serviceEnabled: false }).write(publication());
  assert.ok(!(await readdir(directory)).includes('service.yaml'));
});

test('a file in place of the folder is reported with a remedy', async () => {
  await writeFile(directory, 'a file');
  await assert.rejects(publisher().write(publication()), {
    code: 'DIRECTORY_UNWRITABLE',
    remedy: /_OUTPUT_DIR/,
  });
});

const modeOf = async (name: string) => (await stat(join(directory, name))).mode & 0o777;

for (const [name, mode] of [
  ['tls.key', 0o644],
  ['secret.yaml', 0o666],
  ['tls.crt', 0o600],
] as const) {
  test(`P4: a mode of ${name} that another program changed is restored, and the write record is kept`, async () => {
    await publisher().write(publication());
    const [before, recordBefore] = [await modeOf(name), await record()];
    await chmod(join(directory, name), mode);
    assert.equal(await publisher().write(publication()), 'written');
    assert.equal(await modeOf(name), before);
    assert.deepEqual(await record(), recordBefore);
    assert.equal(await publisher().write(publication()), 'unchanged');
  });
}

for (const mask of [0o000, 0o077]) {
  test(`P4: with the umask ${mask.toString(8)} the files and folders have their modes`, async (t) => {
    const before = process.umask(mask);
    t.after(() => process.umask(before));

    await publisher().write(publication());

    assert.equal(await modeOf('.'), 0o755 & ~mask);
    assert.equal(await modeOf('..current'), 0o755);
    assert.deepEqual(
      await Promise.all(['tls.crt', 'tls.key', 'ca.crt', 'secret.yaml'].map(modeOf)),
      [0o644, 0o600, 0o644, 0o600],
    );
  });
}

test('P4: the files that hold the key have the mode of the configuration, and all its owner and group', async () => {
  const { uid, gid } = await stat(base);
  const files = { ...FILES, keyMode: 0o640, owner: uid, group: gid };
  await publisher({ files }).write(publication());
  assert.deepEqual(
    await Promise.all(['tls.key', 'secret.yaml', 'tls.crt'].map(modeOf)),
    [0o640, 0o640, 0o644],
  );
  assert.equal(await publisher({ files }).write(publication()), 'unchanged');
});
