import type { JsonObject } from './json.ts';
import type { Resource } from './objects.ts';
import { qualified } from './objects.ts';

/** One field at fault, as `ValidateX` functions of Kubernetes report it. */
export interface FieldFault {
  field: string;
  reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden' | 'FieldValueTooLong';
  message: string;
}

/** An answer of kind Status; clients tell causes apart by `reason` and people by `message`, so both are the real ones. */
export class ApiError extends Error {
  readonly code: number;
  readonly status: JsonObject;
  readonly headers: Record<string, string>;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: JsonObject,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

type Target = Pick<Resource, 'group' | 'plural'>;

function about(target: Target, name: string): JsonObject {
  return {
    ...(name === '' ? {} : { name }),
    ...(target.group === '' ? {} : { group: target.group }),
    kind: target.plural,
  };
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

/** `why` is empty where the real server says nothing: an apply that creates, without the right to create. */
export function forbidden(target: Target, name: string, why: string, causes?: JsonObject[]): ApiError {
  const subject = name === '' ? qualified(target) : `${qualified(target)} "${name}"`;
  const details = about(target, name);
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    ...details,
    ...(causes === undefined ? {} : { causes }),
  });
}

export function notFound(target: Target, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(target)} "${name}" not found`, about(target, name));
}

export function alreadyExists(target: Target, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(target)} "${name}" already exists`,
    about(target, name),
  );
}

export function conflict(
  target: Target,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(target)} "${name}": ${why}`,
    about(target, name),
  );
}

export function invalid(kind: string, name: string, faults: readonly FieldFault[]): ApiError {
  const lines = faults.map((fault) => `${fault.field}: ${fault.message}`);
  const text = lines.length === 1 ? lines.join('') : `[${lines.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    name,
    kind,
    causes: faults.map((fault) => ({ reason: fault.reason, message: fault.message, field: fault.field })),
  });
}

/** 410 as a watch sends it, inside an ERROR event: the history before `oldest` is compacted away. */
export function expired(asked: number, oldest: number): ApiError {
  return new ApiError(410, 'Expired', `too old resource version: ${asked} (${oldest})`);
}

/** What the ResourceQuota admission plugin answers to one object more than it admits. */
export function quotaExceeded(target: Target, name: string, quota = 'objects'): ApiError {
  const count = `${qualified(target)}=10`;
  return forbidden(
    target,
    name,
    `exceeded quota: ${quota}, requested: ${qualified(target)}=1, used: ${count}, limited: ${count}`,
  );
}

/** What a validating webhook's refusal looks like when the webhook itself names no code. */
export function webhookDenied(webhook: string, why: string): ApiError {
  return new ApiError(400, 'BadRequest', `admission webhook "${webhook}" denied the request: ${why}`);
}

/** Priority and fairness turning a client away; `Retry-After` is in seconds. */
export function tooManyRequests(retryAfter = 1): ApiError {
  return new ApiError(
    429,
    'TooManyRequests',
    'too many requests, please try again later',
    { retryAfterSeconds: retryAfter },
    { 'Retry-After': String(retryAfter) },
  );
}
