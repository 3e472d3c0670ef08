import { randomUUID } from 'node:crypto';
import { handOutToken } from '../e2e/support/secrets.ts';
import { type Answer, textAnswer } from './answer.ts';
import { refusals } from './refusals.ts';

export interface Token {
  readonly accessorId?: string;
  /** The services it may write, `any` for all. */
  readonly serviceWrite: 'any' | readonly string[];
}

export interface AclOptions {
  /** By secret, which the client sends in `X-Consul-Token`. */
  readonly tokens: Readonly<Record<string, Token>>;
  /** `accessor` is the text since Consul 1.11; `rpc` the bare one before. */
  readonly wording?: 'accessor' | 'rpc';
}

/** Which token may do what. Consul guards the leaf with `service:write`; the roots are open to everyone. */
export class AccessControl {
  readonly #tokens: ReadonlyMap<string, Required<Token>>;
  readonly #wording: 'accessor' | 'rpc';

  constructor(options: AclOptions) {
    this.#wording = options.wording ?? 'accessor';
    this.#tokens = new Map(
      Object.entries(options.tokens).map(([secret, token]) => [
        handOutToken(secret),
        { accessorId: randomUUID(), ...token },
      ]),
    );
  }

  /** The refusal, or undefined when `secret` may write the service. */
  refuseLeaf(secret: string | undefined, service: string): Answer | undefined {
    const token = this.#tokens.get(secret ?? '');
    if (token === undefined && secret !== undefined && secret !== '') return refusals.aclNotFound;
    const allowed = token?.serviceWrite ?? [];
    if (allowed === 'any' || allowed.includes(service)) return undefined;
    if (this.#wording === 'rpc') return refusals.permissionDeniedByRpc;
    const lacks = `lacks permission 'service:write' on ${JSON.stringify(service)}`;
    return textAnswer(
      403,
      token === undefined
        ? `Permission denied: anonymous token ${lacks}. The anonymous token is used implicitly when a request does not specify a token.`
        : `Permission denied: token with AccessorID '${token.accessorId}' ${lacks}`,
    );
  }

  /** The refusal of a request that any known token may make. */
  refuseStranger(secret: string | undefined): Answer | undefined {
    if (this.#tokens.has(secret ?? '')) return undefined;
    return secret === undefined || secret === ''
      ? textAnswer(403, 'Permission denied')
      : refusals.aclNotFound;
  }
}
