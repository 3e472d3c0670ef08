'use strict';
// Replaces modules that client-node and pino use on Windows, or in code that the program never calls.
module.exports = {};
