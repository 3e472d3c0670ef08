'use strict';
// Replaces undici's index.js, which also loads fetch, WebSocket, caches, mocks and unused methods.
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js');
Dispatcher.prototype.request = require('undici/lib/api/api-request.js');
// For ProxyAgent.
Dispatcher.prototype.connect = require('undici/lib/api/api-connect.js');

module.exports = {
  Agent: require('undici/lib/dispatcher/agent.js'),
  ProxyAgent: require('undici/lib/dispatcher/proxy-agent.js'),
  buildConnector: require('undici/lib/core/connect.js'),
};
