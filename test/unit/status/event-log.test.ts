import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventLog, type EventReason, type LogEvent } from '../../../src/status/event-log.ts';

const event = (at: number, reason: EventReason = 'Published') => ({ reason, at, message: `at ${at}` });

describe('The event log', () => {
  test('keeps the last ten of a reason, and lists those of a type, the newest first', () => {
    const eventLog = new EventLog();

    for (let at = 1; at <= 12; at += 1) eventLog.record(event(at));
    eventLog.record(event(8.5, 'Adopted'));
    eventLog.record(event(13, 'Rejected'));

    const ats = eventLog.latest('Normal', 20).map(({ at }) => at);
    assert.deepEqual(ats, [12, 11, 10, 9, 8.5, 8, 7, 6, 5, 4, 3]);
    const found = eventLog.latest('Normal', 2).map(({ at }) => at);
    assert.deepEqual(found, [12, 11]);
    assert.deepEqual(eventLog.latest('Warning', 20), [{ ...event(13, 'Rejected'), type: 'Warning' }]);
  });

  test('passes each further event to a subscriber, until it unsubscribes', () => {
    const eventLog = new EventLog();
    const received: LogEvent[] = [];
    eventLog.record(event(1));
    const unsubscribe = eventLog.subscribe((next) => received.push(next));
    eventLog.record(event(2));
    unsubscribe();
    eventLog.record(event(3));
    assert.deepEqual(received, [{ ...event(2), type: 'Normal' }]);
  });
});
