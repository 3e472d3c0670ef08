import type { JsonObject } from './json.ts';
import type { Resource } from './objects.ts';
import { groupVersion, RESOURCES } from './objects.ts';

const BUILT_IN = ['authorization.k8s.io/v1', 'events.k8s.io/v1', 'rbac.authorization.k8s.io/v1'];
const VERSION = { major: '1', minor: '29', gitVersion: 'v1.29.0', platform: 'linux/amd64' };

function resourceList(name: string, resources: readonly Resource[]): JsonObject {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: name,
    resources: resources.map((resource) => ({
      name: resource.plural,
      singularName: resource.kind.toLowerCase(),
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: resource.shortNames,
    })),
  };
}

function apiGroup(name: string, served: readonly string[]): JsonObject {
  const versions = served
    .filter((entry) => entry.startsWith(`${name}/`))
    .map((entry) => ({ groupVersion: entry, version: entry.slice(name.length + 1) }));
  return { name, versions, preferredVersion: versions[0] };
}

/**
 * The discovery documents: what the cluster serves besides the core, `groups` in the form `getambassador.io/v2`.
 * Undefined where the real server says `404 page not found`.
 */
export function discovery(path: string, groups: readonly string[]): JsonObject | undefined {
  const served = [...BUILT_IN, ...groups];
  const names = [...new Set(served.map((entry) => entry.slice(0, entry.indexOf('/'))))];
  const listed = path.startsWith('/apis/') ? path.slice('/apis/'.length) : '';
  if (path === '/version') {
    return VERSION;
  }
  if (path === '/api') {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }
  if (path === '/api/v1') {
    return resourceList(
      'v1',
      RESOURCES.filter((resource) => resource.group === ''),
    );
  }
  if (path === '/apis') {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map((name) => apiGroup(name, served)) };
  }
  if (names.includes(listed)) {
    return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(listed, served) };
  }
  if (served.includes(listed)) {
    return resourceList(
      listed,
      RESOURCES.filter((resource) => groupVersion(resource) === listed),
    );
  }
  return undefined;
}
