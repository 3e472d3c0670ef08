import { randomBytes } from 'node:crypto';
import { handOutToken } from '../e2e/support/secrets.ts';
import { ApiError, forbidden } from './errors.ts';
import type { JsonObject } from './json.ts';
import { objectAt, textOf } from './json.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** What a request asks to do: to an object, or (with `path`) to an address that is no object, such as `/apis`. */
export interface Attributes {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
  name: string;
  path?: string;
}

/** A right taken away. What is not named stands for every one; `path` is for addresses that are no object. */
export interface DenyRule {
  verb?: Verb;
  group?: string;
  resource?: string;
  namespace?: string;
  name?: string;
  path?: string;
}

function covers(rule: DenyRule, asked: Attributes): boolean {
  if (rule.path !== undefined || asked.path !== undefined) {
    return rule.path === asked.path && (rule.verb ?? asked.verb) === asked.verb;
  }
  const { verb, group, resource, namespace, name } = asked;
  return (
    (rule.verb ?? verb) === verb &&
    (rule.group ?? group) === group &&
    (rule.resource ?? resource) === resource &&
    (rule.namespace ?? namespace) === namespace &&
    (rule.name ?? name) === name
  );
}

/** Who may come in, and to do what: one ServiceAccount with every right but those taken away. */
export class Access {
  readonly user: string;
  #token = newToken();
  #denied: DenyRule[] = [];

  constructor(user: string) {
    this.user = user;
  }

  get token(): string {
    return this.#token;
  }

  rotate(): string {
    this.#token = newToken();
    return this.#token;
  }

  authenticated(authorization: string | undefined): boolean {
    return authorization === `Bearer ${this.#token}`;
  }

  deny(rule: DenyRule): void {
    this.#denied.push(rule);
  }

  /** Gives back every right taken by a rule that says all that this one says; without a rule, all of them. */
  allow(rule: DenyRule = {}): void {
    const named: [string, string | undefined][] = Object.entries(rule);
    this.#denied = this.#denied.filter((denied) => {
      const fields: Record<string, string | undefined> = { ...denied };
      return !named.every(([key, value]) => fields[key] === value);
    });
  }

  may(asked: Attributes): boolean {
    return !this.#denied.some((rule) => covers(rule, asked));
  }

  /** @throws ApiError 403 in the words of the RBAC authorizer */
  check(asked: Attributes): void {
    if (this.may(asked)) {
      return;
    }
    const { verb, group, resource, namespace, name, path } = asked;
    if (path !== undefined) {
      const why = `forbidden: User "${this.user}" cannot ${verb} path "${path}"`;
      throw new ApiError(403, 'Forbidden', why, {});
    }
    const place = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    const why = `User "${this.user}" cannot ${verb} resource "${resource}" in API group "${group}" ${place}`;
    throw forbidden({ group, plural: resource }, name, why);
  }

  /** The answer to a SelfSubjectAccessReview, which everybody may ask for. */
  review(body: JsonObject): JsonObject {
    const spec = objectAt(body, 'spec');
    const asked = objectAt(spec, 'resourceAttributes');
    const path = textOf(objectAt(spec, 'nonResourceAttributes')['path']);
    const text = (key: string) => textOf(asked[key]) ?? '';
    const allowed = this.may({
      verb: text('verb') || (textOf(objectAt(spec, 'nonResourceAttributes')['verb']) ?? ''),
      group: text('group'),
      resource: text('resource'),
      namespace: text('namespace'),
      name: text('name'),
      ...(path === undefined ? {} : { path }),
    });
    return {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: { creationTimestamp: null },
      spec,
      status: allowed
        ? { allowed, reason: 'RBAC: allowed by RoleBinding "ambassador-consul-connector/ambassador"' }
        : { allowed },
    };
  }
}

/** In the three parts of a real ServiceAccount token, so that a search for leaked tokens has something to find. */
function newToken(): string {
  const header = Buffer.from('{"alg":"RS256","kid":"double"}').toString('base64url');
  const body = Buffer.from(JSON.stringify({ jti: randomBytes(16).toString('hex') })).toString('base64url');
  return handOutToken(`${header}.${body}.${randomBytes(32).toString('base64url')}`);
}
