'use strict';
// In place of node:https and node:child_process in client-node, which uses them on Windows, and in what the program does not call.
module.exports = {};
