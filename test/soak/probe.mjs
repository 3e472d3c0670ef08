// Loaded into the daemon by NODE_OPTIONS: on SIGUSR2 it collects the garbage and appends what is still in use to SOAK_PROBE.
import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

process.on('SIGUSR2', () => {
  collectGarbage();
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  const resources = {};
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
  appendFileSync(process.env['SOAK_PROBE'], `${JSON.stringify({ rss, heapUsed, resources })}\n`);
});
