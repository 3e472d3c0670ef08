'use strict';
// Replaces undici's HTTP/2 client, which loads node:http2. Without `allowH2` undici never offers HTTP/2.
module.exports = function connectH2() {
  throw new Error('no HTTP/2 client is bundled');
};
