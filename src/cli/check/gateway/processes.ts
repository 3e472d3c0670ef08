import { isRecord, within } from '../../../lib/record.ts';
import { type Problem, pass, type Row, warnOf } from '../result.ts';
import type { Resource } from './resource.ts';
import { DEFAULT_ID, type GatewaySide } from './side.ts';

const GATEWAY = { check: 'gateway', what: 'Ambassador' };

/** A Deployment or DaemonSet that runs Ambassador, by the variables of its container; undefined: it cannot be told. */
interface Gateway {
  /** `namespace/name`. */
  readonly id: string;
  readonly ambassadorId: string | undefined;
  /** The one namespace that it watches. */
  readonly onlyNamespace: string | undefined;
  /** What it selects the objects by, where that is a list of `key=value`. */
  readonly selector: Readonly<Record<string, string>>;
  /** Whether it has no token for Consul. */
  readonly lacksToken: boolean;
}

/**
 * Whether an Ambassador that runs there reads what is published: its ID, what it watches, and whether it may ask Consul.
 * Undefined where none is found: it may be installed later, or in another way.
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
    detail: `${id} has the AMBASSADOR_ID ${ambassadorId}, and this publishes for ${ours}`,
    remedy: `${setting} if ${id} is your gateway`,
  };
}

/** Why a gateway does not read what is published, or does not reach what its Mappings name. */
function problemsOf(
  { id, onlyNamespace, selector, lacksToken }: Gateway,
  { namespaces, labels, hasToken }: GatewaySide,
  hasConsulResolver: boolean,
): Problem[] {
  const problems: Problem[] = [];
  const unseen = namespaces.filter((namespace) => namespace !== (onlyNamespace ?? namespace));
  if (unseen.length > 0)
    problems.push({
      detail: `${id} watches namespace ${onlyNamespace} alone, and this publishes in ${unseen.join(' and ')}`,
      remedy: `install the connector in namespace ${onlyNamespace}, or take AMBASSADOR_SINGLE_NAMESPACE from ${id}`,
    });
  const missing = Object.entries(selector).filter(([key, value]) => labels[key] !== value);
  const pairs = missing.map(([key, value]) => `${key}=${value}`).join(',');
  if (missing.length > 0)
    problems.push({
      detail: `${id} reads only what has the labels ${pairs}, which this does not publish`,
      remedy: `set _AMBASSADOR_LABELS=${pairs}`,
    });
  if (hasConsulResolver && hasToken && lacksToken)
    problems.push({
      detail: `${id} has no CONSUL_HTTP_TOKEN: where Consul has ACLs, Mappings with a ConsulResolver answer 503`,
      remedy: `give ${id} a CONSUL_HTTP_TOKEN of its own, with service:read and node:read`,
    });
  return problems;
}

/** The chart and the manifests of every version set AMBASSADOR_NAMESPACE; the variables of the connector have an underscore. */
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
  /** Undefined is one whose value stands elsewhere. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  /** Whether these are all. */
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

/** Of a selector of another form nothing is said. */
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
