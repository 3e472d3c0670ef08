import { PublishError, systemCode, transportCause } from '../../../errors.ts';
import { foreignText } from '../../../lib/foreign-text.ts';

export type Resource = 'secrets' | 'services' | 'events';
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch';

/** One request to the API server in the words RBAC uses, for errors that name the missing rule. */
export interface Access {
  readonly verb: Verb;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

/** A request that is about no object. */
export interface Question {
  /** In the words of errors. */
  readonly what: string;
  /** Where it is forbidden. */
  readonly remedy: string;
}

const SERVER_VERSION: Question = {
  what: 'asking for the version of the API server',
  remedy:
    'bind the ClusterRole system:public-info-viewer to system:authenticated, as Kubernetes does by default',
};
export const OWN_RIGHTS: Question = {
  what: 'asking for our own rights',
  remedy: 'bind the ClusterRole system:basic-user to the ServiceAccount, as Kubernetes does by default',
};

/** Where the Role lets nothing be created. */
const BY_HAND = 'or, with the overlay no-create: kubectl create -f k8s/overlays/no-create/placeholders.yaml';

/** A failure as the API server describes it (metav1.Status), or as a proxy does. */
export interface Failure {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** `Retry-After` in milliseconds; 0 if there is none. */
  readonly retryAfterMs: number;
}

/** The error for an answer that no API server gives. */
export function unusableAnswer(message: string): PublishError {
  return new PublishError('KUBERNETES_INVALID_RESPONSE', message, {
    remedy: 'see that the kubeconfig leads to the API server itself and not to a proxy or a login page',
  });
}

/** The error for an answer that is not a success. */
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
        remedy: 'see that the ServiceAccount exists and its token is fresh: delete the Pod to get a new one',
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
      remedy: `see that the namespace exists: kubectl get namespace ${access?.namespace ?? ''}`.trim(),
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

/** The error for a request that got no whole answer. */
export function errorOfTransport(error: unknown, server: string): PublishError {
  if (error instanceof PublishError) return error;
  const code = systemCode(error) ?? (error instanceof Error ? error.name : 'unknown');
  return new PublishError(
    'KUBERNETES_UNREACHABLE',
    `the API server at ${server} cannot be reached (${transportCause(error)})`,
    {
      remedy: /CERT|SSL|TLS|VERIFY|ISSUER/.test(code)
        ? 'the certificate of the API server is not signed by the CA of the kubeconfig or the ServiceAccount'
        : 'see that the API server runs and that no NetworkPolicy cuts it off',
      cause: error,
    },
  );
}

/** The error for what the Roles do not allow. */
export function errorOfMissingRule(access: Access): PublishError {
  return new PublishError('KUBERNETES_FORBIDDEN', `${access.verb} ${describeObject(access)} is forbidden`, {
    remedy: ruleFor(access),
  });
}

/** `secrets ambassador/name`, as it stands in log lines. */
export function describeObject({ resource, namespace, name }: Omit<Access, 'verb'>): string {
  return `${resource} ${namespace}/${name}`;
}

/**
 * Whether RBAC can limit this to a name. Not `create`: the name is not known when it is authorised. And not Events, whose names
 * the API server makes.
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
    return 'raise the ResourceQuota of the namespace, or delete what is not needed';
  if (/being terminated/.test(message))
    return 'the namespace is being deleted: wait, create it again, or use another';
  const policy = /ValidatingAdmissionPolicy '([^']+)'/.exec(message)?.[1];
  if (policy !== undefined)
    return `let the policy allow this object, or exempt it: kubectl get validatingadmissionpolicy ${policy} -o yaml`;
  const webhook = /admission webhook "([^"]+)"/.exec(message)?.[1];
  if (webhook !== undefined)
    return `ask the owner of the admission webhook ${webhook}, or exempt this object`;
  if (/immutable/.test(message))
    return 'the object was made immutable: delete it by hand, it is then written anew';
  if (status === 429 || status >= 500)
    return 'the API server is overloaded or restarting: nothing, if it passes';
  return 'read what the API server says';
}
