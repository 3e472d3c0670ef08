import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts the demo on the embedded Consul for `seconds`, publishing into `output`. */
export function startDemo(seconds: number, output: string) {
  return spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', '--embedded'], {
    cwd: REPOSITORY,
    env: { ...process.env, DEMO_SECONDS: String(seconds), _OUTPUT_DIR: output },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
