import { PublishError } from '../../../errors.ts';
import type { KubernetesClient } from '../../../publish/kubernetes/api/client.ts';
import type { Row } from '../result.ts';
import { intoMesh, mappingRow, resolverRow, usesAny } from './mappings.ts';
import { gatewayRow } from './processes.ts';
import { decodeResource, isFor, type Resource } from './resource.ts';
import type { GatewaySide } from './side.ts';
import { tlsContextRow } from './tls-contexts.ts';

const GROUP = 'getambassador.io';

/** The rows about Ambassador and its resources; none for a kind that is not installed or that this account may not list. */
export async function checkGateway(
  client: KubernetesClient,
  side: GatewaySide,
  signal: AbortSignal,
): Promise<Row[]> {
  const list = (version: string | Promise<string>, plural: string) =>
    resourcesOf(client, version, plural, signal);
  const version = client.preferredVersion(GROUP, signal);
  const ofAmbassador = async (plural: string) =>
    (await list(version, plural))?.filter(isFor(side.ambassadorId));
  const [contexts, mappings, consul, services, endpoints, ...workloads] = await Promise.all([
    side.serviceEnabled ? ofAmbassador('tlscontexts') : undefined,
    ofAmbassador('mappings'),
    ofAmbassador('consulresolvers'),
    ofAmbassador('kubernetesserviceresolvers'),
    ofAmbassador('kubernetesendpointresolvers'),
    list('apps/v1', 'deployments'),
    list('apps/v1', 'daemonsets'),
  ]);
  const rows: Row[] = [];
  const ours = intoMesh(mappings ?? [], side);
  const gateway = gatewayRow(
    workloads.flatMap((found) => found ?? []),
    side,
    usesAny(ours, consul ?? []),
  );
  if (gateway !== undefined) rows.push(gateway);
  if (contexts !== undefined) rows.push(tlsContextRow(contexts, side));
  if (mappings !== undefined) rows.push(mappingRow(mappings, ours, side));
  if (consul !== undefined && services !== undefined && endpoints !== undefined && ours.length > 0)
    rows.push(resolverRow(ours, { consul, kubernetes: [...services, ...endpoints] }));
  return rows;
}

/** Undefined if they cannot be listed. */
async function resourcesOf(
  client: KubernetesClient,
  version: string | Promise<string>,
  plural: string,
  signal: AbortSignal,
): Promise<readonly Resource[] | undefined> {
  try {
    return (await client.list(await version, plural, signal)).flatMap(decodeResource);
  } catch (error) {
    if (error instanceof PublishError) return undefined;
    throw error;
  }
}
