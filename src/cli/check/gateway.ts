import { PublishError } from '../../errors.ts';
import { isRecord } from '../../lib/record.ts';
import type { KubernetesClient } from '../../publish/kubernetes/api/client.ts';
import { pass, type Row, warn } from './result.ts';

/** The settings that Ambassador's own resources must not contradict. */
export interface GatewaySide {
  /** Of the Ambassador that is configured; empty without one. */
  readonly ambassadorId: string;
  /** The name of the TLSContext in the annotation. */
  readonly tlsContext: string;
  /** Whether the connector publishes it. */
  readonly serviceEnabled: boolean;
}

/** A Mapping or TLSContext, reduced to what is checked. */
interface Resource {
  /** `namespace/name`. */
  readonly id: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

const GROUP = 'getambassador.io';
const TLS_CONTEXTS = { check: 'gateway-tlscontexts', what: 'TLSContexts' };
const MAPPINGS = { check: 'gateway-mappings', what: 'Mappings' };

/** The rows about Ambassador's own resources; none for a kind that is not installed or that this account may not list. */
export async function checkGateway(
  client: KubernetesClient,
  side: GatewaySide,
  signal: AbortSignal,
): Promise<Row[]> {
  const version = client.preferredVersion(GROUP, signal);
  const row = async (
    plural: string,
    judge: (found: readonly Resource[], side: GatewaySide) => Row,
  ): Promise<Row[]> => {
    try {
      const items = await client.listCustom(await version, plural, signal);
      const found = items
        .flatMap(decodeResource)
        .filter(({ spec }) => isFor(spec['ambassador_id'], side.ambassadorId));
      return [judge(found, side)];
    } catch (error) {
      if (error instanceof PublishError) return [];
      throw error;
    }
  };
  const rows = await Promise.all([
    side.serviceEnabled ? row('tlscontexts', contextRow) : [],
    row('mappings', mappingRow),
  ]);
  return rows.flat();
}

/** Emissary uses one of two TLSContexts of one name, and says so in its diagnostics alone. */
function contextRow(contexts: readonly Resource[], { tlsContext }: GatewaySide): Row {
  const same = contexts.filter(({ name }) => name === tlsContext).map(({ id }) => id);
  if (same.length === 0) return pass(TLS_CONTEXTS, `none but ours is named ${tlsContext}`);
  return warn(
    TLS_CONTEXTS,
    `${same.join(', ')} is named as ours, ${tlsContext}: Ambassador uses one of them`,
    'delete that resource, or set _AMBASSADOR_SERVICE_ENABLED=false to keep it and publish none',
  );
}

/** Emissary names a cluster after scheme and host, without the TLSContext: all Mappings to one host share one cluster. */
function mappingRow(mappings: readonly Resource[], { tlsContext }: GatewaySide): Row {
  const ours = mappings.filter(({ spec }) => spec['tls'] === tlsContext);
  const shared = ours.flatMap((mapping) => {
    const host = httpsHost(mapping);
    if (host === undefined) return [];
    return mappings
      .filter((other) => httpsHost(other) === host && other.spec['tls'] !== tlsContext)
      .map((other) => `${mapping.id} and ${other.id} reach ${host}, one of them without tls: ${tlsContext}`);
  });
  if (shared.length === 0) return pass(MAPPINGS, `${ours.length} with tls: ${tlsContext}`);
  return warn(
    MAPPINGS,
    `${shared.join('\n')}: Ambassador makes one cluster of them, with a certificate or without`,
    `give each of them tls: ${tlsContext}, or another name of the host`,
  );
}

function httpsHost({ spec: { service } }: Resource): string | undefined {
  return typeof service === 'string' && /^https:\/\//i.test(service) ? service.toLowerCase() : undefined;
}

function decodeResource(item: unknown): Resource[] {
  if (!isRecord(item) || !isRecord(item['metadata'])) return [];
  const { name, namespace } = item['metadata'];
  if (typeof name !== 'string' || typeof namespace !== 'string') return [];
  return [{ id: `${namespace}/${name}`, name, spec: isRecord(item['spec']) ? item['spec'] : {} }];
}

/** A resource without an ID is for the Ambassador without one, whose ID is `default`. */
function isFor(ids: unknown, ambassadorId: string): boolean {
  return [ids ?? 'default'].flat().includes(ambassadorId || 'default');
}
