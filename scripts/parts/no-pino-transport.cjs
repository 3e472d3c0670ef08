'use strict';
// Replaces pino's destinations and their worker threads: the program has its own (src/lib/log-output.ts).
module.exports = class NoTransport {
  constructor() {
    throw new Error('no transport of pino is bundled');
  }
};
