'use strict';
// Replaces the generated API client that KubeConfig can create, some 1,500 files. Requests go through undici.
class NoClient {
  constructor() {
    throw new Error('no generated client is bundled');
  }
}

module.exports = {
  ServerConfiguration: NoClient,
  createConfiguration: () => new NoClient(),
  of: () => new NoClient(),
};
