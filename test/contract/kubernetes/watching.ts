import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { eventually } from '../../e2e/support/eventually.ts';
import { at } from './reading.ts';

interface WatchedEvent {
  readonly type: string;
  readonly object: unknown;
}

export function watchLines(code: number, body: Readable) {
  const events: WatchedEvent[] = [];
  let rest = '';
  body.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line): WatchedEvent => JSON.parse(line)));
  });
  const ended = once(body, 'end');
  // It must not fail a test that does not wait for the end.
  ended.catch(() => undefined);
  body.on('error', () => undefined);
  return {
    code,
    /** Resolves with all events once there are that many. */
    async seen(count: number): Promise<readonly WatchedEvent[]> {
      const described = () => `${count} events expected, got ${JSON.stringify(events)}`;
      await eventually(described, () => events.length >= count, 15_000);
      return events;
    },
    /** Resolves with all events when the server has ended the stream; rejects when the stream broke. */
    async ended(): Promise<readonly WatchedEvent[]> {
      await ended;
      assert.equal(rest, '', 'the last line is whole');
      return events;
    },
    /** Ends it from this side. */
    stop: () => void body.destroy(),
  };
}

/** Of each event its type and the resourceVersion of its object. */
export function versionsOf(events: readonly WatchedEvent[]): readonly (readonly [string, bigint])[] {
  return events.map(({ type, object }) => [type, BigInt(String(at(object, 'metadata', 'resourceVersion')))]);
}
