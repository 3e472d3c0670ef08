import { isRecord, within } from '../../../lib/record.ts';
import { type Problem, pass, type Row, warnOf } from '../result.ts';
import type { Resource } from './resource.ts';
import { DEFAULT_ID, type GatewaySide } from './side.ts';

const GATEWAY = { check: 'gateway', what: 'Ambassador' };

/** A Deployment or DaemonSet that runs Ambassador, with settings from the container's variables; undefined: unknown. */
interface Gateway {
  /** `namespace/name`. */
  readonly id: string;
  readonly ambassadorId: string | undefined;
  /** The only namespace that it watches. */
  readonly onlyNamespace: string | undefined;
  /** Its label selector, if that is a list of `key=value`. */
  readonly selector: Readonly<Record<string, string>>;
  /** Whether it has no ACL token. */
  readonly lacksToken: boolean;
}

/**
 * Whether a running Ambassador reads the published objects: by its ID, what it watches, and its ACL token. Undefined if none is
 * found: it may be installed later, or in another way.
 */
export function gatewayRow(
  workloads: readonly Resource[],
  side: GatewaySide,
  hasConsulResolver: boolean,
): Row | undefined {
  const gateways = workloads.flatMap(decodeGateway);
  const id = side.ambassadorId || DEFAULT_ID;
  const ours = gateways.filter(({ ambassadorId }) => (ambassadorId ?? id) === id);
  const problems =
    ours.length > 0
      ? ours.flatMap((gateway) => problemsOf(gateway, side, hasConsulResolver))
      : gateways.map((gateway) => foreignGateway(gateway, id));
  if (problems.length > 0) return warnOf(GATEWAY, problems);
  return ours.length === 0 ? undefined : pass(GATEWAY, ours.map((gateway) => gateway.id).join(', '));
}

function foreignGateway({ id, ambassadorId }: Gateway, ours: string): Problem {
  const setting = ambassadorId === DEFAULT_ID ? 'unset _AMBASSADOR_ID' : `set _AMBASSADOR_ID=${ambassadorId}`;
  return {
    detail: `${id} has the AMBASSADOR_ID ${ambassadorId}, but the connector publishes for ${ours}`,
    remedy: `${setting} if ${id} is your gateway`,
  };
}

/** The reasons that a gateway does not read the published objects, or does not reach the services of its Mappings. */
function problemsOf(
  { id, onlyNamespace, selector, lacksToken }: Gateway,
  { namespaces, labels, hasToken }: GatewaySide,
  hasConsulResolver: boolean,
): Problem[] {
  const problems: Problem[] = [];
  const unseen = namespaces.filter((namespace) => namespace !== (onlyNamespace ?? namespace));
  if (unseen.length > 0)
    problems.push({
      detail: `${id} watches only namespace ${onlyNamespace}, but the connector publishes in ${unseen.join(' and ')}`,
      remedy: `install the connector in namespace ${onlyNamespace}, or remove AMBASSADOR_SINGLE_NAMESPACE from ${id}`,
    });
  const missing = Object.entries(selector).filter(([key, value]) => labels[key] !== value);
  const pairs = missing.map(([key, value]) => `${key}=${value}`).join(',');
  if (missing.length > 0)
    problems.push({
      detail: `${id} reads only objects with the labels ${pairs}, which the connector does not set`,
      remedy: `set _AMBASSADOR_LABELS=${pairs}`,
    });
  if (hasConsulResolver && hasToken && lacksToken)
    problems.push({
      detail: `${id} has no CONSUL_HTTP_TOKEN: if ACLs are enabled in Consul, Mappings with a ConsulResolver answer 503`,
      remedy: `give ${id} a CONSUL_HTTP_TOKEN of its own, with service:read and node:read`,
    });
  return problems;
}

/** All charts and manifests of Ambassador set AMBASSADOR_NAMESPACE; the connector's variables begin with an underscore. */
function decodeGateway({ id, namespace, spec }: Resource): Gateway[] {
  const containers = recordsIn(within(within(spec, 'template'), 'spec')['containers']);
  const environment = containers
    .map((container) => environmentOf(container, namespace))
    .find(({ variables }) => variables.has('AMBASSADOR_NAMESPACE') || variables.has('AMBASSADOR_ID'));
  if (environment === undefined) return [];
  const { variables, isWhole } = environment;
  const isDefault = variables.get('AMBASSADOR_ID') === '' || (isWhole && !variables.has('AMBASSADOR_ID'));
  const isSingle = (variables.get('AMBASSADOR_SINGLE_NAMESPACE') ?? '') !== '';
  return [
    {
      id,
      ambassadorId: isDefault ? DEFAULT_ID : variables.get('AMBASSADOR_ID'),
      onlyNamespace: isSingle ? variables.get('AMBASSADOR_NAMESPACE') : undefined,
      selector: equalities(variables.get('AMBASSADOR_LABEL_SELECTOR') ?? ''),
      lacksToken: isWhole && !variables.has('CONSUL_HTTP_TOKEN'),
    },
  ];
}

interface ContainerEnvironment {
  /** Undefined: the value is in another object. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** Whether these are all variables. */
  readonly isWhole: boolean;
}

function environmentOf(
  { env, envFrom }: Readonly<Record<string, unknown>>,
  namespace: string,
): ContainerEnvironment {
  const variables = recordsIn(env).map((variable) => {
    const { name, value } = variable;
    const { fieldPath } = within(within(variable, 'valueFrom'), 'fieldRef');
    const field = fieldPath === 'metadata.namespace' ? namespace : undefined;
    return [String(name), typeof value === 'string' ? value : field] as const;
  });
  return { variables: new Map(variables), isWhole: recordsIn(envFrom).length === 0 };
}

/** Empty for a selector of any other form. */
function equalities(selector: string): Record<string, string> {
  const terms =
    selector === ''
      ? []
      : selector.split(',').map((term) => /^\s*([^=!\s]+)\s*==?\s*([^=\s]*)\s*$/.exec(term));
  if (!terms.every((term) => term !== null)) return {};
  return Object.fromEntries(terms.map(([, key = '', value = '']) => [key, value]));
}

function recordsIn(list: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
