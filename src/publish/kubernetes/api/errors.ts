import { PublishError, quotedCode, transportCode } from '../../../errors.ts';
import { foreignText } from '../../../lib/foreign-text.ts';

export type Resource = 'secrets' | 'services' | 'events';
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch';

/** One request to the API server in RBAC terms, for errors that name the missing rule. */
export interface Access {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** A request that does not concern an object. */
export interface Question {
  /** The request as named in errors. */
  readonly what: string;
  /** For a forbidden request. */
  readonly remedy: string;
}

const SERVER_VERSION: Question = {
  what: 'querying the version of the API server',
  remedy:
    'bind the ClusterRole system:public-info-viewer to system:authenticated, as Kubernetes does by default',
};
export const OWN_RIGHTS: Question = {
  what: 'querying our own permissions',
  remedy: 'bind the ClusterRole system:basic-user to the ServiceAccount, as Kubernetes does by default',
};

/** For Roles without `create`. */
const BY_HAND = 'or, with the overlay no-create: kubectl create -f k8s/overlays/no-create/placeholders.yaml';

/** A failure as described by the API server (metav1.Status) or a proxy. */
export interface Failure {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** `Retry-After` in milliseconds; 0 if there is none. */
  readonly retryAfterMs: number;
}

/** The error for an answer that does not come from an API server. */
export function unusableAnswer(message: string): PublishError {
  return new PublishError('KUBERNETES_INVALID_RESPONSE', message, {
    remedy: 'check that the kubeconfig leads to the API server itself and not to a proxy or a login page',
  });
}

/** The error for an answer with an error status. */
export function errorOfFailure(
  failure: Failure,
  access: Access | undefined,
  question: Question = SERVER_VERSION,
): PublishError {
  const { status, reason, retryAfterMs } = failure;
  const message = foreignText(failure.message);
  const what = access === undefined ? question.what : `${access.verb} ${describeObject(access)}`;
  const because = message === '' ? `${status} ${reason}`.trim() : message;
  if (status === 401) {
    return new PublishError(
      'KUBERNETES_UNAUTHORIZED',
      `${what}: Kubernetes does not accept the credentials`,
      {
        remedy:
          'check that the ServiceAccount exists and its token is current: delete the Pod to get a new one',
      },
    );
  }
  if (status === 403 && access === undefined) {
    return new PublishError('KUBERNETES_FORBIDDEN', `${what} is forbidden`, { remedy: question.remedy });
  }
  if (status === 403 && access !== undefined && /cannot \w+ resource/.test(message)) {
    return errorOfMissingRule(access);
  }
  if (status === 404) {
    return new PublishError('KUBERNETES_NOT_FOUND', `${what}: ${because}`, {
      remedy: `check that the namespace exists: kubectl get namespace ${access?.namespace ?? ''}`.trim(),
    });
  }
  if (status === 409) return new PublishError('KUBERNETES_CONFLICT', `${what}: ${because}`);
  if (status === 410) return new PublishError('KUBERNETES_GONE', `${what}: ${because}`);
  return new PublishError('KUBERNETES_REJECTED', `${what}: ${because}`, {
    remedy: remedyFor(status, message),
    retryAfterMs,
    status,
  });
}

/** The error for a request without a complete answer. */
export function errorOfTransport(error: unknown, server: string): PublishError {
  if (error instanceof PublishError) return error;
  const code = transportCode(error);
  return new PublishError(
    'KUBERNETES_UNREACHABLE',
    `the API server at ${server} cannot be reached (${quotedCode(code)})`,
    {
      remedy: /CERT|SSL|TLS|VERIFY|ISSUER/.test(code)
        ? 'the certificate of the API server is not signed by the CA of the kubeconfig or the ServiceAccount'
        : 'check that the API server runs and that no NetworkPolicy blocks it',
      cause: error,
    },
  );
}

/** The error for a permission that no Role grants. */
export function errorOfMissingRule(access: Access): PublishError {
  return new PublishError('KUBERNETES_FORBIDDEN', `${access.verb} ${describeObject(access)} is forbidden`, {
    remedy: ruleFor(access),
  });
}

/** `secrets ambassador/name`, as in log lines. */
export function describeObject({ resource, namespace, name }: Omit<Access, 'verb'>): string {
  return `${resource} ${namespace}/${name}`;
}

/**
 * Whether RBAC can limit this to a name. Not `create`, which is authorized before the name is known, and not Events, whose names
 * the API server generates.
 */
export function isNamed({ verb, resource }: Pick<Access, 'verb' | 'resource'>): boolean {
  return verb !== 'create' && resource !== 'events';
}

/** The rule to add to the Role. */
function ruleFor(access: Access): string {
  const { verb, resource, namespace, name } = access;
  const names = isNamed(access) ? `, resourceNames: ["${name}"]` : '';
  const rule = `add to the Role in namespace ${namespace}: {apiGroups: [""], resources: ["${resource}"]${names}, verbs: ["${verb}"]}`;
  return verb === 'create' && resource !== 'events' ? `${rule}; ${BY_HAND}` : rule;
}

function remedyFor(status: number, message: string): string {
  if (/exceeded quota/.test(message))
    return 'raise the ResourceQuota of the namespace, or delete unused objects';
  if (/being terminated/.test(message))
    return 'the namespace is being deleted: wait, create it again, or use another';
  const policy = /ValidatingAdmissionPolicy '([^']+)'/.exec(message)?.[1];
  if (policy !== undefined)
    return `let the policy allow this object, or exempt it: kubectl get validatingadmissionpolicy ${policy} -o yaml`;
  const webhook = /admission webhook "([^"]+)"/.exec(message)?.[1];
  if (webhook !== undefined)
    return `contact the owner of the admission webhook ${webhook}, or exempt this object`;
  if (/immutable/.test(message))
    return 'the object was made immutable: delete it by hand, and it is recreated';
  if (status === 429 || status >= 500)
    return 'none if it is temporary: the API server is overloaded or restarting';
  return 'see the message of the API server';
}
