import { existsSync, readFileSync } from 'node:fs';
import { eventually } from '../e2e/support/eventually.ts';
import { descriptorsOf } from '../e2e/support/proc.ts';

/** What a process still uses after garbage collection. */
export interface Sample {
  readonly rssKiB: number;
  readonly heapKiB: number;
  /** Open file descriptors by kind, such as `socket`; Linux only. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Timers, sockets, … by type, as `process.getActiveResourcesInfo` counts them. */
  readonly resources: Readonly<Record<string, number>>;
}

/** Signals `probe.mjs` in the process `pid`, which writes to `file`. */
export async function takeSample(pid: number, file: string): Promise<Sample> {
  const before = lines(file).length;
  process.kill(pid, 'SIGUSR2');
  const line = await eventually('an answer of the probe', () => lines(file)[before], 10_000);
  const { rss, heapUsed, resources }: NodeJS.MemoryUsage & Pick<Sample, 'resources'> = JSON.parse(line);
  return {
    rssKiB: Math.round(rss / 1024),
    heapKiB: Math.round(heapUsed / 1024),
    descriptors: descriptorsOf(pid),
    resources,
  };
}

/** The complete lines so far. */
function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** The maximum of each kind of descriptor and resource in the samples; the sizes are those of the first. */
export function mostOf(first: Sample, others: readonly Sample[]): Sample {
  const most = (counts: readonly Readonly<Record<string, number>>[]) =>
    Object.fromEntries(
      counts
        .flatMap((each) => Object.keys(each))
        .map((kind) => [kind, Math.max(...counts.map((each) => each[kind] ?? 0))]),
    );
  const all = [first, ...others];
  return {
    ...first,
    descriptors: most(all.map(({ descriptors }) => descriptors)),
    resources: most(all.map(({ resources }) => resources)),
  };
}

/** Descriptors and resources of the event loop, by kind, of which there are more at `end` than at `start`. */
export function leftOver(start: Sample, end: Sample): string[] {
  const more = (now: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): string[] =>
    Object.entries(now)
      .filter(([kind, count]) => count > (before[kind] ?? 0))
      .map(([kind, count]) => `${count} ${kind}, ${before[kind] ?? 0} at first`);
  return [...more(end.descriptors, start.descriptors), ...more(end.resources, start.resources)];
}
