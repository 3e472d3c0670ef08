import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Episode, Story } from '../../../src/status/event-log.ts';

const episode = (at: number, kind: Episode['kind'] = 'published'): Episode => ({
  kind,
  at,
  text: `at ${at}`,
});

describe('The story', () => {
  test('tells the last ten of a kind, the newest first', () => {
    const story = new Story();

    for (let at = 1; at <= 12; at += 1) story.tell(episode(at));
    story.tell(episode(13, 'refused'));

    assert.deepEqual(
      story.last('published').map(({ at }) => at),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
    );
    assert.deepEqual(story.last('refused'), [episode(13, 'refused')]);
    assert.deepEqual(story.last('expiring'), []);
  });

  test('is heard as it goes on, until one stops listening', () => {
    const story = new Story();
    const heard: Episode[] = [];
    story.tell(episode(1));
    const stop = story.listen((next) => heard.push(next));

    story.tell(episode(2));
    stop();
    story.tell(episode(3));

    assert.deepEqual(heard, [episode(2)]);
  });
});
