import type { ServerResponse } from 'node:http';
import { ApiError, expired } from './errors.ts';
import type { JsonObject } from './json.ts';
import { groupVersion } from './objects.ts';
import type { Change, ObjectStore } from './store.ts';
import type { Target } from './target.ts';
import { selects } from './target.ts';

interface Watch {
  target: Target;
  response: ServerResponse;
  selected: (object: JsonObject) => boolean;
  bookmarks: boolean;
  silent: boolean;
  timer: NodeJS.Timeout | undefined;
}

function line(type: string, object: JsonObject): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** The open watches: what each is told, and every way in which they end on a real cluster. */
export class Watches {
  readonly #store: ObjectStore;
  readonly #open = new Set<Watch>();
  readonly #speed: number;
  #silent = false;

  /** `speed`: how many times as fast as the machine's the time of watches runs, for clients whose time is as fast. */
  constructor(store: ObjectStore, speed = 1) {
    this.#store = store;
    this.#speed = speed;
    store.onChange((change) => {
      for (const watch of this.#open) {
        this.#tell(watch, change);
      }
    });
  }

  count(plural?: string): number {
    return [...this.#open].filter((watch) => plural === undefined || watch.target.resource.plural === plural)
      .length;
  }

  /**
   * Starts after `resourceVersion`; with none or `0` first shows what there is. A version that is compacted away gets a
   * 410 inside the stream, under HTTP status 200, as the watch cache answers.
   */
  serve(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const watch: Watch = {
      target,
      response,
      selected: selects(query, target),
      bookmarks: query.get('allowWatchBookmarks') === 'true',
      silent: this.#silent,
      timer: undefined,
    };
    const asked = query.get('resourceVersion') ?? '';
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
    response.flushHeaders();
    const from = Number(asked);
    if (asked !== '' && asked !== '0' && from < this.#store.oldest) {
      response.end(line('ERROR', expired(from, this.#store.oldest).status));
      return;
    }
    const seconds = Number(query.get('timeoutSeconds') ?? '0');
    if (seconds > 0) {
      watch.timer = setTimeout(
        () => {
          this.#bookmark(watch);
          response.end();
        },
        (seconds * 1000) / this.#speed,
      );
    }
    this.#open.add(watch);
    response.once('close', () => {
      clearTimeout(watch.timer);
      this.#open.delete(watch);
    });
    if (asked === '' || asked === '0') {
      for (const object of this.#store.list(target.resource.plural, target.namespace)) {
        if (watch.selected(object)) {
          this.#write(watch, line('ADDED', { ...object, apiVersion: groupVersion(target.resource) }));
        }
      }
    } else {
      for (const change of this.#store.since(from)) {
        this.#tell(watch, change);
      }
    }
  }

  /** Ends every watch in good order, as the server does at the end of its time. */
  end(): void {
    for (const watch of this.#open) {
      watch.response.end();
    }
  }

  /** Cuts every connection that carries a watch. */
  cut(): void {
    for (const watch of this.#open) {
      watch.response.destroy();
    }
  }

  /** Tells every watch 410 and forgets the history, so that only a new list leads on. */
  expire(): void {
    const from = this.#store.version;
    this.#store.compact();
    for (const watch of this.#open) {
      watch.response.end(line('ERROR', expired(from, this.#store.oldest).status));
    }
  }

  /** Sends any Status as an ERROR event, then ends: 500 `etcdserver: leader changed`, 429, 401. */
  fail(error: ApiError = new ApiError(500, 'InternalError', 'etcdserver: leader changed')): void {
    for (const watch of this.#open) {
      watch.response.end(line('ERROR', error.status));
    }
  }

  /** Half of an event, then the end of the stream. */
  halfLine(): void {
    for (const watch of this.#open) {
      watch.response.end('{"type":"MODIFIED","object":{"kind":"Secret","apiVersion":"v1","metad');
    }
  }

  /** A line that is no JSON at all, as proxies put into a stream. */
  garbage(): void {
    for (const watch of this.#open) {
      this.#write(watch, '<html>upstream request timeout</html>\n');
    }
  }

  bookmark(): void {
    for (const watch of this.#open) {
      this.#bookmark(watch);
    }
  }

  /** From now on no open or new watch hears anything, nor an end; after `speak` new ones do, the mute ones never again. */
  silence(): void {
    this.#silent = true;
    for (const watch of this.#open) {
      watch.silent = true;
      clearTimeout(watch.timer);
    }
  }

  speak(): void {
    this.#silent = false;
  }

  #bookmark(watch: Watch): void {
    if (watch.bookmarks) {
      const { kind } = watch.target.resource;
      const metadata = { resourceVersion: String(this.#store.version), creationTimestamp: null };
      const apiVersion = groupVersion(watch.target.resource);
      this.#write(watch, line('BOOKMARK', { kind, apiVersion, metadata }));
    }
  }

  #tell(watch: Watch, change: Change): void {
    if (change.plural !== watch.target.resource.plural) {
      return;
    }
    const now = change.type !== 'DELETED' && watch.selected(change.object);
    const before = change.before !== undefined && watch.selected(change.before);
    if (now || before) {
      const type = now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED';
      this.#write(watch, line(type, { ...change.object, apiVersion: groupVersion(watch.target.resource) }));
    }
  }

  #write(watch: Watch, text: string): void {
    if (!watch.silent && !watch.response.writableEnded) {
      watch.response.write(text);
    }
  }
}
