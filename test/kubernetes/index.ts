export type { DenyRule, Verb } from './access.ts';
export type { KubeconfigOptions } from './credentials.ts';
export type { KubernetesDoubleOptions, LoggedWrite } from './double.ts';
export { KubernetesDouble, startKubernetesDouble } from './double.ts';
export { ApiError, conflict, forbidden, quotaExceeded, tooManyRequests, webhookDenied } from './errors.ts';
export type { Json, JsonObject } from './json.ts';
export type { Kind, KubeObject, Manifest } from './objects.ts';
export type { LoggedRequest, Matcher, Reply, Response } from './scripts.ts';
