'use strict';
// What KubeConfig makes a generated client with: some 1,500 files. Requests go through undici.
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
