import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventLog, type LogEvent } from '../../../src/status/event-log.ts';

const episode = (at: number, kind: LogEvent['kind'] = 'published'): LogEvent => ({
  kind,
  at,
  text: `at ${at}`,
});

describe('The story', () => {
  test('tells the last ten of a kind, the newest first', () => {
    const eventLog = new EventLog();

    for (let at = 1; at <= 12; at += 1) eventLog.record(episode(at));
    eventLog.record(episode(13, 'rejected'));

    assert.deepEqual(
      eventLog.latest('published').map(({ at }) => at),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
    );
    assert.deepEqual(eventLog.latest('rejected'), [episode(13, 'rejected')]);
    assert.deepEqual(eventLog.latest('expiring'), []);
  });

  test('is heard as it goes on, until one stops listening', () => {
    const eventLog = new EventLog();
    const heard: LogEvent[] = [];
    eventLog.record(episode(1));
    const stop = eventLog.subscribe((next) => heard.push(next));

    eventLog.record(episode(2));
    stop();
    eventLog.record(episode(3));

    assert.deepEqual(heard, [episode(2)]);
  });
});
