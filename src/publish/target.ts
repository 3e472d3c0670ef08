import type { ObjectNames } from './manifests.ts';

/** The place to which the identity is published. */
export type Target = DirectoryTarget | KubernetesTarget;

export interface DirectoryTarget {
  readonly kind: 'directory';
  readonly directory: string;
}

export interface KubernetesTarget {
  readonly kind: 'kubernetes';
  /** The URL of the API server. */
  readonly server: string;
  readonly secret: ObjectName;
  /** Only if the gateway verifies its peers. */
  readonly upstreamCaSecret: ObjectName | undefined;
  /** Only if the TLSContext is published. */
  readonly service: ObjectName | undefined;
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** The objects that are written to the API server at `server`. */
export function kubernetesTarget(
  server: string,
  names: ObjectNames,
  serviceEnabled: boolean,
): KubernetesTarget {
  const { secretNamespace, serviceNamespace, upstreamCaSecret } = names;
  return {
    kind: 'kubernetes',
    server,
    secret: { namespace: secretNamespace, name: names.secret },
    upstreamCaSecret:
      upstreamCaSecret === undefined ? undefined : { namespace: secretNamespace, name: upstreamCaSecret },
    service: serviceEnabled ? { namespace: serviceNamespace, name: names.service } : undefined,
  };
}

/** The target as fields of a log line, each object as `namespace/name`. */
export function targetFields(target: Target): Readonly<Record<string, string>> {
  if (target.kind === 'directory') return { directory: target.directory };
  const { server, secret, upstreamCaSecret, service } = target;
  return {
    kubernetes: server,
    secret: qualifiedName(secret),
    ...(upstreamCaSecret === undefined ? {} : { upstreamCaSecret: qualifiedName(upstreamCaSecret) }),
    ...(service === undefined ? {} : { service: qualifiedName(service) }),
  };
}

/** `namespace/name`, as in kubectl and log lines. */
export function qualifiedName({ namespace, name }: ObjectName): string {
  return `${namespace}/${name}`;
}
