// Loaded into the daemon by NODE_OPTIONS: its time runs FAST_TIME_SPEED times as fast, from FAST_TIME_ORIGIN on. All else is Node's.
const { promisify } = require('node:util');

const speed = Number(process.env['FAST_TIME_SPEED']);
const origin = Number(process.env['FAST_TIME_ORIGIN']);

const { now } = Date;
Date.now = () => Math.floor(origin + (now() - origin) * speed);

const monotonic = performance.now.bind(performance);
performance.now = () => monotonic() * speed;

for (const name of ['setTimeout', 'setInterval']) {
  const original = globalThis[name];
  const faster = (act, ms, ...args) => original(act, ms / speed, ...args);
  faster[promisify.custom] = original[promisify.custom];
  globalThis[name] = faster;
}
