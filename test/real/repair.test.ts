import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { SECRET, SERVICE, useWorld } from './world.ts';

let daemon: Daemon;

const world = useWorld({}, async (world) => {
  daemon = startDaemon(await world.environment());
  await daemon.ready();
});
after(() => daemon.stop());

test('24: A Secret that is deleted is back within two seconds', async () => {
  await world.kubectl(['delete', 'secret', SECRET]);
  await eventually('the Secret', () => world.show('secret', SECRET));
});

test('24: A Service whose annotation is edited is put right within two seconds', async () => {
  const annotation = 'getambassador.io/config';
  const right = (await world.show('service', SERVICE))?.metadata.annotations[annotation];

  await world.kubectl(['annotate', '--overwrite', 'service', SERVICE, `${annotation}=spoilt`]);

  await eventually('the annotation', async () => {
    return (await world.show('service', SERVICE))?.metadata.annotations[annotation] === right;
  });
});

test('24: A key that is spoilt or removed is put right within two seconds', async () => {
  for (const patch of ['{"data":{"tls.key":"c3BvaWx0"}}', '{"data":{"ca.crt":null}}']) {
    await world.kubectl(['patch', 'secret', SECRET, '--type=merge', '-p', patch]);
    await eventually(`right after ${patch}`, async () => {
      const [key, bundle] = await Promise.all([world.read(SECRET, 'tls.key'), world.read(SECRET, 'ca.crt')]);
      return key.includes('PRIVATE KEY') && bundle.includes('BEGIN CERTIFICATE');
    });
  }
});

test('24: Labels, annotations and keys that others own stay', async () => {
  await world.kubectl(['label', 'secret', SECRET, 'team=edge']);
  await world.kubectl(['annotate', 'secret', SECRET, 'example.com/note=mine']);
  await world.kubectl(['patch', 'secret', SECRET, '--type=merge', '-p', '{"data":{"other":"bWluZQ=="}}']);
  await world.kubectl(['patch', 'secret', SECRET, '--type=merge', '-p', '{"data":{"tls.key":"c3BvaWx0"}}']);

  await eventually('the key', async () => (await world.read(SECRET, 'tls.key')).includes('PRIVATE KEY'));

  const secret = await world.show('secret', SECRET);
  assert.equal(secret?.metadata.labels['team'], 'edge');
  assert.equal(secret?.metadata.annotations['example.com/note'], 'mine');
  assert.equal(await world.read(SECRET, 'other'), 'mine');
});

test('30: A Secret that kubectl applied is taken over without its old private key', async () => {
  await daemon.stop();
  const secret = await world.show('secret', SECRET);
  await world.kubectl(['delete', 'secret', SECRET]);
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: SECRET },
    data: { 'tls.crt': secret?.data['tls.crt'], 'tls.key': secret?.data['tls.key'] },
  };
  await world.kubectl(['apply', '-f', '-'], JSON.stringify(manifest));
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
  assert.ok((await world.show('secret', SECRET))?.metadata.annotations[annotation], 'kubectl left its copy');

  daemon = startDaemon(await world.environment());

  await eventually('taken over', async () => {
    return (await world.show('secret', SECRET))?.metadata.annotations[annotation] === undefined;
  });
  const after = await world.show('secret', SECRET);
  assert.equal(after?.data['tls.crt'], secret?.data['tls.crt'], 'the gateway keeps the leaf it has');
});
