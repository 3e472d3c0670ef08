import { get, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import type { Daemon } from './daemon.ts';
import { eventually } from './eventually.ts';

/** Opens `/events` of a daemon, as a browser does; what it says is searched for secrets with the rest. */
export async function watch(t: TestContext, daemon: Daemon): Promise<Watcher> {
  const url = `${await daemon.url()}/events`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(url, { agent: false }, resolve);
    request.on('error', reject);
    t.after(() => request.destroy());
  });
  return new Watcher(daemon, response);
}

export class Watcher {
  readonly status: number | undefined;
  readonly type: string | undefined;
  /** All it was sent. */
  text = '';
  ended = false;

  constructor(daemon: Daemon, response: IncomingMessage) {
    this.status = response.statusCode;
    this.type = response.headers['content-type'];
    response.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      daemon.served += text;
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      this.ended = true;
    });
  }

  /** The last whole event, as text. */
  get last(): string {
    const [event = ''] = this.text.split('\n\n').slice(0, -1).slice(-1);
    return event.replaceAll(/^data: /gm, '');
  }

  /** Resolves with the first event that `fits`. */
  shows(fits: RegExp, withinMs = 10_000): Promise<string> {
    return eventually(
      () => `an event that shows ${fits}, after\n${this.last}`,
      () => fits.test(this.last) && this.last,
      withinMs,
    );
  }
}
