import { declareAccess } from './consul/access.ts';
import { declareLeaf } from './consul/leaf.ts';
import { declareRoots } from './consul/roots.ts';
import { declareRotation } from './consul/rotation.ts';
import type { ConsulServers } from './consul/servers.ts';

/**
 * Declares what the connector and its tests rely on of Consul, for the embedded one and the real one alike: shapes and
 * codes, and of texts those that the connector looks for. `servers` is called when the tests run.
 */
export function consulContract(servers: () => ConsulServers): void {
  declareRoots(servers);
  declareLeaf(servers);
  declareAccess(servers);
  declareRotation(servers);
}
