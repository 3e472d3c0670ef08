import { declareAccess } from './consul/access.ts';
import { declareLeaf } from './consul/leaf.ts';
import { declareRoots } from './consul/roots.ts';
import { declareRotation } from './consul/rotation.ts';
import type { ConsulServers } from './consul/servers.ts';

/**
 * Declares the behaviour of Consul that the connector and its tests rely on, for the embedded Consul and the real one:
 * shapes, codes, and the texts that the connector searches for. `servers` is called when the tests run.
 */
export function consulContract(servers: () => ConsulServers): void {
  declareRoots(servers);
  declareLeaf(servers);
  declareAccess(servers);
  declareRotation(servers);
}
