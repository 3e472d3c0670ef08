// Loaded into the daemon before its code: V8 compiles each function once and allocates its feedback at once, so that the heap
// shows what the daemon keeps, and not how long V8 has been optimizing.
import { setFlagsFromString } from 'node:v8';

for (const flag of ['--no-opt', '--no-sparkplug', '--no-flush-bytecode', '--no-lazy-feedback-allocation'])
  setFlagsFromString(flag);
