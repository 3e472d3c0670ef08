'use strict';
// Replaces js-yaml in client-node, which gets each kubeconfig as JSON (src/publish/kubernetes/api/kubeconfig.ts).
module.exports = { load: JSON.parse };
