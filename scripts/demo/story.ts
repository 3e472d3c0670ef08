import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Style, styled } from './terminal.ts';

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The events of a demo, counted from the daemon's log. */
export interface Tally {
  renewals: number;
  rotations: number;
  bundlesAlone: number;
  writes: number;
}

const LABEL_WIDTH = 10;

/** Prints the daemon's log in a readable form, each line with the time since `startedAt`. */
export class Story {
  readonly tally: Tally = { renewals: 0, rotations: 0, bundlesAlone: 0, writes: 0 };
  readonly #folder: string;
  readonly #startedAt = performance.now();
  #isIdentityPrinted = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  say(label: string, text: string, style: Style = 'dim'): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(5);
    console.log(`${seconds} s  ${styled(label.padEnd(LABEL_WIDTH), style)} ${text}`);
  }

  more(text: string): void {
    console.log(`${' '.repeat(9 + LABEL_WIDTH)} ${styled(text, 'dim')}`);
  }

  async print(line: LogLine): Promise<void> {
    if (line['msg'] === 'published the identity') return this.#printWrite(line);
    if (line['msg'] === 'serving status') {
      return this.say('status', `http://${line['host']}:${line['port']}/readyz, /livez and /metrics`);
    }
    if (line['level'] !== 'warn' && line['level'] !== 'error' && line['level'] !== 'fatal') return;
    this.say(
      line['level'] === 'warn' ? 'warning' : 'problem',
      [line['msg'], line['error']].filter(Boolean).join(': '),
      'yellow',
    );
    if (typeof line['remedy'] === 'string') this.more(`remedy: ${line['remedy']}`);
  }

  async #printWrite(line: LogLine): Promise<void> {
    const reason = String(line['reason']);
    this.tally.writes += 1;
    if (!this.#isIdentityPrinted) this.say('identity', styled(String(line['spiffeId']), 'bold'), 'green');
    this.#isIdentityPrinted = true;
    if (line['leaf'] === true) {
      if (reason.startsWith('renewal-due')) this.tally.renewals += 1;
      this.say(reason.startsWith('renewal-due') ? 'renewal' : 'leaf', `wrote tls.crt and tls.key`, 'green');
      this.more(`why: ${reason}`);
      this.more(`serial ${line['serial']}, good until ${clockTime(line['notAfter'])}`);
    }
    if (line['bundle'] === true) {
      const alone = line['leaf'] !== true;
      if (alone) this.tally.bundlesAlone += 1;
      const count = await this.#count('ca.crt');
      const what = alone ? 'wrote ca.crt alone; tls.crt and tls.key stay byte for byte' : 'wrote ca.crt';
      this.say('roots', `${what}: ${count} root${count === 1 ? '' : 's'}`, 'green');
      if (alone) this.more(`why: ${reason}`);
    }
  }

  async #count(file: string): Promise<number> {
    const pem = await readFile(join(this.#folder, file), 'utf8').catch(() => '');
    return pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  }
}

function clockTime(value: unknown): string {
  return new Date(String(value)).toTimeString().slice(0, 8);
}
