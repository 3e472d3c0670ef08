'use strict';
// KubeConfig creates an agent of node:https for a proxy. Requests go through undici, which supports proxies itself.
class NoAgent {}

module.exports = {
  HttpProxyAgent: NoAgent,
  HttpsProxyAgent: NoAgent,
  SocksClient: NoAgent,
  SocksProxyAgent: NoAgent,
};
