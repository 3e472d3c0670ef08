import { after } from 'node:test';
import { declareAccess } from './kubernetes/access.ts';
import { type ApiServer, makeApi } from './kubernetes/api.ts';
import { declareApply } from './kubernetes/apply.ts';
import { declareCluster } from './kubernetes/cluster.ts';
import { declareObjects } from './kubernetes/objects.ts';
import { declareRefusals } from './kubernetes/refusals.ts';
import { declareServices } from './kubernetes/services.ts';
import { declareWatch } from './kubernetes/watch.ts';

/**
 * Declares the behaviour of an API server that the connector and its tests rely on, for the double and the real one:
 * shapes, codes, and the texts that the connector searches for. `server` is called when the tests run.
 */
export function kubernetesContract(server: () => ApiServer): void {
  const api = makeApi(server);
  after(() => api.close());
  declareObjects(api);
  declareRefusals(api, server);
  declareApply(api);
  declareServices(api);
  declareWatch(api, server);
  declareAccess(api, server);
  declareCluster(api, server);
}
