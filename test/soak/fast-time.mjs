// Loaded into the daemon by NODE_OPTIONS: its time runs SOAK_SPEED times as fast, from SOAK_ORIGIN on. All else is Node's.
import { promisify } from 'node:util';

const speed = Number(process.env['SOAK_SPEED']);
const origin = Number(process.env['SOAK_ORIGIN']);

const { now } = Date;
Date.now = () => Math.floor(origin + (now() - origin) * speed);

for (const name of ['setTimeout', 'setInterval']) {
  const original = globalThis[name];
  const faster = (act, ms, ...args) => original(act, ms / speed, ...args);
  faster[promisify.custom] = original[promisify.custom];
  globalThis[name] = faster;
}
