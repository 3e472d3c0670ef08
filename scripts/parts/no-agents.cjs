'use strict';
// KubeConfig makes an agent of node:https for a proxy. Requests go through undici, which knows proxies by itself.
class NoAgent {}

module.exports = {
  HttpProxyAgent: NoAgent,
  HttpsProxyAgent: NoAgent,
  SocksClient: NoAgent,
  SocksProxyAgent: NoAgent,
};
