import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventMessage } from '../../../src/publish/kubernetes/events/event.ts';
import { EventRecorder } from '../../../src/publish/kubernetes/events/recorder.ts';
import { ObjectCache } from '../../../src/publish/kubernetes/object-cache.ts';
import type { PublishedEvent } from '../../../src/publish/publisher.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import type { KubeObject } from '../../fixtures/kubernetes/index.ts';
import { SILENT, startCluster } from './cluster.ts';

const ref = { resource: 'secrets', namespace: 'ambassador', name: 'identity' } as const;
const NOON = Date.parse('2030-01-15T12:00:00Z');
const MINUTE = 60_000;

const published = (message: string, at = NOON): PublishedEvent => ({
  type: 'Normal',
  reason: 'Published',
  at,
  message,
});

/** A recorder of Events on a Secret that exists, and a clock that a test moves. */
async function recording(t: TestContext) {
  const { cluster, connect } = await startCluster(t);
  const client = await connect();
  let now = NOON;
  const clock = { ...systemClock, now: () => now };
  const secret = new ObjectCache({ client, ref, clock, observer: SILENT });
  const put = async () => {
    cluster.put({ kind: 'Secret', metadata: { name: ref.name }, type: 'Opaque' });
    await secret.refresh(new AbortController().signal);
  };
  await put();
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const recorder = new EventRecorder({ client, secret, clock, onFailure, instance: 'a-replica' });
  const events = (): KubeObject[] => cluster.list('Event', ref.namespace);
  const pass = (ms: number): void => {
    now += ms;
  };
  return { cluster, recorder, secret, put, events, failures, pass };
}

describe('The recorder of Events', () => {
  test('waits half a second at the end for an API server that does not answer, and then records nothing more', async (t) => {
    const { cluster, recorder, events, failures } = await recording(t);
    cluster.script({ resource: 'events' }, 'hang');
    recorder.record(published('first'));
    const from = performance.now();

    await recorder.close();
    recorder.record(published('second'));
    await recorder.close();

    const took = performance.now() - from;
    assert.ok(took >= 490 && took < 5_000, `${took} ms`);
    assert.deepEqual([events(), failures], [[], []]);
  });

  test('makes one Event about this Secret, by its uid and version, counts it when it recurs, and makes another one if the reason differs', async (t) => {
    const { recorder, secret, events } = await recording(t);
    const adopted = { ...published('missing: no identity'), reason: 'Adopted' } as const;

    recorder.record(adopted);
    recorder.record(published('missing: no identity'));
    recorder.record({ ...adopted, at: NOON + MINUTE });
    await recorder.close();

    const found = events().map(({ reason, count }) => `${reason} ${count}`);
    assert.deepEqual(found.sort(), ['Adopted 2', 'Published 1']);
    const event = events().find(({ reason }) => reason === 'Adopted');
    const { metadata, involvedObject, kind: _, apiVersion: __, ...rest } = event ?? assert.fail('no Event');
    assert.equal(metadata.namespace, 'ambassador');
    assert.match(metadata.name, /^identity\.\w+$/);
    const { uid, resourceVersion } = secret.known ?? assert.fail('there is no Secret');
    assert.deepEqual(involvedObject, {
      apiVersion: 'v1',
      kind: 'Secret',
      namespace: ref.namespace,
      name: ref.name,
      uid,
      resourceVersion,
    });
    assert.deepEqual(rest, {
      type: 'Normal',
      reason: 'Adopted',
      message: 'missing: no identity',
      source: { component: 'ambassador-consul-connector' },
      reportingComponent: 'ambassador-consul-connector',
      reportingInstance: 'a-replica',
      firstTimestamp: '2030-01-15T12:00:00Z',
      lastTimestamp: '2030-01-15T12:01:00Z',
      eventTime: null,
      count: 2,
    });
  });

  test('makes a new Event if the Secret is a new one, or the API server has dropped the old Event', async (t) => {
    const { cluster, recorder, put, events } = await recording(t);
    const settled = async () => {
      for (let sent = -1; sent !== cluster.requests.length; ) {
        sent = cluster.requests.length;
        await systemClock.sleep(200, new AbortController().signal);
      }
    };

    recorder.record(published('repair'));
    await settled();
    const [first] = events();
    cluster.remove('Event', ref.namespace, first?.metadata.name ?? '');
    recorder.record(published('repair'));
    await settled();
    cluster.remove('Secret', ref.namespace, ref.name);
    await put();
    recorder.record(published('repair'));
    await recorder.close();

    assert.deepEqual(
      events()
        .map(({ count }) => count)
        .sort(),
      [1, 2],
    );
    const uids = events().map(({ involvedObject }) => JSON.stringify(involvedObject));
    assert.equal(new Set(uids).size, 2);
  });

  test('makes 25 Events at once and one a minute, and still counts repetitions', async (t) => {
    const { recorder, events, pass } = await recording(t);

    for (let index = 0; index < 25; index += 1) recorder.record(published(`write ${index}`));
    for (let index = 0; index < 5; index += 1) recorder.record(published('write 0'));
    recorder.record(published('write 25'));
    pass(MINUTE);
    recorder.record(published('write 0'));
    const last = () => events().find(({ message }) => message === 'write 0')?.['count'];
    await eventually('all of them', () => last() === 7 && events().length >= 25);
    await recorder.close();

    const counts = new Map(events().map(({ message, count }) => [message, count]));
    assert.equal(counts.size, 25);
    assert.equal(counts.get('write 0'), 7);
    assert.equal(counts.get('write 1'), 1);
  });
});

describe('The message of an Event', () => {
  test('is one line: the code, what happened, and the remedy', () => {
    const refused = { ...published('the leaf\nexpired'), code: 'EXPIRED', remedy: 'compare the clocks' };
    assert.equal(eventMessage(refused), 'EXPIRED: the leaf expired; remedy: compare the clocks');
  });

  test('has at most 1024 bytes, and no half of a character', () => {
    for (const length of [510, 511, 512, 600]) {
      for (const start of ['', 'x']) {
        const whole = start + 'ö'.repeat(length);
        const message = eventMessage(published(whole));
        const size = Buffer.byteLength(message);

        if (Buffer.byteLength(whole) <= 1024) assert.equal(message, whole);
        else assert.match(message, /^x?ö+…$/);
        assert.ok(size <= 1024 && size >= Math.min(1022, Buffer.byteLength(whole)), `${size} bytes`);
      }
    }
  });
});
