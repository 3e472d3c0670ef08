import {
  type CaLeaf,
  type CaRoots,
  type Fetched,
  fetchOnce,
  leafQuery,
  ROOTS_QUERY,
} from '../consul/connect-ca.ts';
import type { Connection } from '../consul/connection.ts';
import type { Planner } from './planner.ts';

/**
 * Queries Consul once for the roots, then for the leaf of `service`, each within `deadlineMs` milliseconds per server, and passes
 * both to `planner`. For `once` and `render`.
 *
 * @throws ConsulError
 */
export async function queryOnce(
  connection: Connection,
  service: string,
  planner: Planner,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<{ roots: Fetched<CaRoots>; leaf: Fetched<CaLeaf> }> {
  const roots = await fetchOnce(connection, ROOTS_QUERY, deadlineMs, signal);
  const leaf = await fetchOnce(connection, leafQuery(service), deadlineMs, signal);
  planner.setRoots(roots.value);
  if (roots.freshness === 'fresh') planner.takeFirstAnswer();
  planner.rootsAnswered({ ...roots, wentBack: false, isOutdated: false });
  planner.setLeaf(leaf.value);
  return { roots, leaf };
}
