import { type Problem, pass, type Row, warn, warnOf } from '../result.ts';
import type { Resource } from './resource.ts';
import type { GatewaySide } from './side.ts';

const MAPPINGS = { check: 'gateway-mappings', what: 'Mappings' };
const RESOLVERS = { check: 'gateway-resolvers', what: 'resolvers of the Mappings' };

/** Resolvers that every Ambassador has (irserviceresolver.py of Emissary-ingress 3.10). */
const BUILT_IN = ['kubernetes-service', 'kubernetes-endpoint', 'endpoint'];

/** The Mappings that route into the mesh. */
export function intoMesh(mappings: readonly Resource[], { tlsContext }: GatewaySide): Resource[] {
  return mappings.filter(({ spec }) => spec['tls'] === tlsContext);
}

/** Emissary names a cluster after scheme and host, without the TLSContext: all Mappings to one host share one cluster. */
export function mappingRow(
  mappings: readonly Resource[],
  ours: readonly Resource[],
  { tlsContext }: GatewaySide,
): Row {
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
    `${shared.join('\n')}: Ambassador combines them into one cluster, with or without a certificate`,
    `set tls: ${tlsContext} in each of them, or use another host name`,
  );
}

/** Emissary ignores a Mapping that its resolver does not accept, and reports it only in its diagnostics. */
export function resolverRow(
  ours: readonly Resource[],
  { consul, kubernetes }: Readonly<Record<'consul' | 'kubernetes', readonly Resource[]>>,
): Row {
  const known = [...BUILT_IN, ...[...kubernetes, ...consul].map(({ name }) => name)];
  const problems = ours.flatMap((mapping): Problem[] => {
    const { resolver, service } = mapping.spec;
    if (typeof resolver !== 'string') return [];
    if (!known.includes(resolver)) {
      const detail = `Ambassador ignores ${mapping.id}: its resolver ${resolver} does not exist`;
      const remedy = `create the ConsulResolver ${resolver}, or set resolver to an existing one: ${known.join(', ')}`;
      return [{ detail, remedy }];
    }
    if (usesAny([mapping], consul) && typeof service === 'string' && service.includes('.')) {
      const detail = `Ambassador ignores ${mapping.id}: its service ${service} has a dot, which a ConsulResolver does not allow`;
      const remedy = `set service of ${mapping.id} to the name of the sidecar in Consul, such as qotm-sidecar-proxy`;
      return [{ detail, remedy }];
    }
    return [];
  });
  return problems.length === 0
    ? pass(RESOLVERS, 'all of them exist and accept their Mappings')
    : warnOf(RESOLVERS, problems);
}

/** Whether any Mapping uses one of the resolvers. */
export function usesAny(mappings: readonly Resource[], resolvers: readonly Resource[]): boolean {
  return mappings.some(({ spec }) => resolvers.some(({ name }) => name === spec['resolver']));
}

function httpsHost({ spec: { service } }: Resource): string | undefined {
  return typeof service === 'string' && /^https:\/\//i.test(service) ? service.toLowerCase() : undefined;
}
