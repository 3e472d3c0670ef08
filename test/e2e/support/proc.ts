import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Processor time of all threads of a process so far, in milliseconds. The scheduler counts it in nanoseconds; `stat` in ticks of ten milliseconds. */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, part) => sum + part, 0) / 1e6;
}

/** Resident memory in MiB. */
export function rssMiB(pid: number): number {
  return memoryMiB(pid, 'VmRSS');
}

/** The most resident memory that the process ever had, in MiB. */
export function peakRssMiB(pid: number): number {
  return memoryMiB(pid, 'VmHWM');
}

/** Resident memory in MiB; pages that several processes map, such as those of node itself, count in part. */
export function pssMiB(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024;
}

function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** How many open descriptors there are of each kind, such as `socket`, or a path. */
export function descriptorsOf(pid: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${name}`);
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** `socket` of `socket:[4711]`, or a path; undefined for one that was closed meanwhile. */
function kindOf(link: string): string | undefined {
  try {
    return readlinkSync(link).replace(/:\[\d+\]$/, '');
  } catch {
    return undefined;
  }
}
