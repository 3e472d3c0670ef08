// Replaces client-node's index.js, which loads a class for every kind of Kubernetes object.
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
