import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from '../../e2e/support/temporary.ts';
import type { RealConsul } from '../../fixtures/servers/real-consul.ts';
import { plain } from './support.ts';

const ISSUER = 'https://kubernetes.test';
const AUDIENCE = 'consul';
/** The least that Consul accepts. */
const TTL = '1m';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export interface LoginToken {
  readonly AccessorID: string;
}

export type JwtLogin = Awaited<ReturnType<typeof makeJwtLogin>>;

/** A bearer token as a cluster makes it for a ServiceAccount. */
export function bearerToken(subject = 'ambassador', expiresInSeconds = 600): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url');
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: subject,
    iat: now - 3600,
    nbf: now - 3600,
    exp: now + expiresInSeconds,
  };
  const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** An auth method that accepts `bearerToken()`. */
export async function createAuthMethod(consul: RealConsul, name: string): Promise<void> {
  await consul.mustPut('/v1/acl/auth-method', {
    Name: name,
    Type: 'jwt',
    MaxTokenTTL: TTL,
    Config: {
      JWTValidationPubKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
      JWTSupportedAlgs: ['ES256'],
      BoundIssuer: ISSUER,
      BoundAudiences: [AUDIENCE],
      ClaimMappings: { sub: 'subject' },
    },
  });
}

/** Lets the owner of the bearer token be `service`. */
export function bindToService(consul: RealConsul, authMethod: string, service: string): Promise<void> {
  return consul.mustPut('/v1/acl/binding-rule', {
    AuthMethod: authMethod,
    BindType: 'service',
    BindName: service,
    Selector: 'value.subject == "ambassador"',
  });
}

/**
 * An auth method of Consul for one test, and the variables of a daemon that logs in by it.
 *
 * @param services that the owner of the bearer token may be
 */
export async function makeJwtLogin(consul: RealConsul, ...services: readonly string[]) {
  const name = `jwt-${randomUUID()}`;
  const bearerTokenFile = join(temporary(), 'bearer-token');
  writeFileSync(bearerTokenFile, bearerToken());
  await createAuthMethod(consul, name);
  for (const service of services) await bindToService(consul, name, service);
  return {
    name,
    bearerTokenFile,
    environment: {
      ...plain(consul),
      CONSUL_LOGIN_AUTH_METHOD: name,
      CONSUL_LOGIN_BEARER_TOKEN_FILE: bearerTokenFile,
      CONSUL_LOGIN_META: 'pod=test',
    },
    bind: (service: string) => bindToService(consul, name, service),
    /** The tokens of logins that were neither logged out nor expired. */
    tokens: () => consul.mustGet<LoginToken[]>(`/v1/acl/tokens?authmethod=${name}`),
  };
}
