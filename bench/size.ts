import { realpath, stat } from 'node:fs/promises';
import type { Subjects } from './subject.ts';
import type { Row } from './table.ts';

const MIB = 1024 * 1024;
const MAX_MIB = 2;

/** Figure 6: the bundle compared with that of the baseline, and with node itself, which is nearly all of the image. */
export async function measureSize({ connector, baseline }: Subjects): Promise<Row[]> {
  const mib = async (path: string): Promise<number> => (await stat(await realpath(path))).size / MIB;
  const bundle = await mib(connector.bundle);
  return [
    {
      figure: 'size of the bundle',
      unit: 'MiB',
      connector: bundle,
      baseline: await mib(baseline.bundle),
      goal: `under ${MAX_MIB} MiB`,
      met: bundle < MAX_MIB,
    },
    {
      figure: 'bundle and node, beside node alone',
      unit: 'MiB',
      connector: bundle + (await mib(process.execPath)),
      baseline: await mib(process.execPath),
      goal: '-',
      met: undefined,
    },
  ];
}
