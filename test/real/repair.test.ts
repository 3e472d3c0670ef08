import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { CONFIG, NAMESPACE, SECRET, SERVICE, useWorld } from './world.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

let daemon: Daemon;

const world = useWorld({}, async (world) => {
  daemon = startDaemon(await world.environment());
  await daemon.ready();
});
after(() => daemon.stop());

function patchData(data: object): Promise<string> {
  return world.kubectl(['patch', 'secret', SECRET, '--type=merge', '-p', JSON.stringify({ data })]);
}

test('24: A Secret that is deleted is back within two seconds', async () => {
  await world.kubectl(['delete', 'secret', SECRET]);
  await eventually('the Secret', () => world.show('secret', SECRET));
});

test('24: A Service whose annotation is edited is restored within two seconds', async () => {
  const before = await world.annotation('service', SERVICE, CONFIG);

  await world.kubectl(['annotate', '--overwrite', 'service', SERVICE, `${CONFIG}=spoilt`]);

  const isRestored = async () => (await world.annotation('service', SERVICE, CONFIG)) === before;
  await eventually('the annotation', isRestored);
});

test('24: A key that is spoilt or removed is restored within two seconds', async () => {
  for (const data of [{ 'tls.key': 'c3BvaWx0' }, { 'ca.crt': null }]) {
    await patchData(data);
    await eventually(`restored after ${JSON.stringify(data)}`, async () => {
      const [key, bundle] = await Promise.all([world.read(SECRET, 'tls.key'), world.read(SECRET, 'ca.crt')]);
      return key.includes('PRIVATE KEY') && bundle.includes('BEGIN CERTIFICATE');
    });
  }
});

test('24: Labels, annotations and keys that others own are kept', async () => {
  await world.kubectl(['label', 'secret', SECRET, 'team=edge']);
  await world.kubectl(['annotate', 'secret', SECRET, 'example.com/note=mine']);
  await patchData({ other: 'bWluZQ==' });
  await patchData({ 'tls.key': 'c3BvaWx0' });

  await eventually('the key', async () => (await world.read(SECRET, 'tls.key')).includes('PRIVATE KEY'));

  const secret = await world.show('secret', SECRET);
  assert.equal(secret?.metadata.labels['team'], 'edge');
  assert.equal(secret?.metadata.annotations['example.com/note'], 'mine');
  assert.equal(await world.read(SECRET, 'other'), 'mine');
});

test('30: A Secret that kubectl applied is adopted without its old private key', async () => {
  await daemon.stop();
  const { 'tls.crt': certificate, 'tls.key': key } = (await world.show('secret', SECRET))?.data ?? {};
  await world.kubectl(['delete', 'secret', SECRET]);
  const data = { 'tls.crt': certificate, 'tls.key': key };
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: SECRET } };
  await world.kubectl(['apply', '-f', '-'], JSON.stringify({ ...secret, data }));
  assert.ok(await world.annotation('secret', SECRET, LAST_APPLIED), 'kubectl left its copy');

  daemon = startDaemon(await world.environment());

  await eventually('adopted', async () => !(await world.annotation('secret', SECRET, LAST_APPLIED)));
  const { object } = await daemon.line('adopted an existing object');
  assert.equal(object, `secrets ${NAMESPACE}/${SECRET}`);
  await daemon.line('removed the last-applied annotation, which contained an old private key');
  const after = await world.show('secret', SECRET);
  assert.equal(after?.data['tls.crt'], certificate, 'the gateway keeps its leaf');
});
