'use strict';
// Replaces node:https and node:child_process in client-node, which uses them on Windows and in code that the program never calls.
module.exports = {};
