import { randomUUID, X509Certificate } from 'node:crypto';
import { handOutKey, handOutToken } from '../e2e/support/secrets.ts';
import { makeAuthority, type PemPair } from './authority.ts';
import { type Answer, ask } from './http.ts';

export interface ConsulRoots {
  readonly ActiveRootID: string;
  readonly TrustDomain: string;
  readonly Roots: readonly {
    readonly ID: string;
    readonly RootCert: string;
    readonly Active: boolean;
    readonly IntermediateCerts?: readonly string[] | null;
  }[];
}

export interface ConsulLeaf {
  readonly ModifyIndex: number;
  readonly SerialNumber: string;
  readonly CertPEM: string;
  readonly PrivateKeyPEM: string;
  readonly ServiceURI: string;
}

/** What a test does to a Consul, by its HTTP API; the product's own client is never used here. */
export interface ConsulClient {
  get(path: string, token?: string): Promise<Answer>;
  put(path: string, body: unknown, token?: string): Promise<Answer>;
  /** The parsed answer; throws for any status but 200. */
  mustGet<T>(path: string, token?: string): Promise<T>;
  mustPut<T>(path: string, body: unknown, token?: string): Promise<T>;
  mustDelete(path: string): Promise<void>;
  roots(): Promise<ConsulRoots>;
  leaf(service: string): Promise<ConsulLeaf>;
  /**
   * Waits for the leaf that follows one. After a root rotation Consul takes its time, up to 30 s, and in 1.8 only
   * a blocking query makes it move: asked without an index it gives the old leaf out of its cache, on and on.
   */
  leafAfter(service: string, previous: ConsulLeaf): Promise<ConsulLeaf>;
  registerService(definition: Readonly<Record<string, unknown>>): Promise<void>;
  /** Sets what one service may do to another, whatever was set before. */
  intend(action: 'allow' | 'deny', source: string, destination: string): Promise<void>;
  /** A token with the rules given, in HCL. */
  makeToken(rules: string): Promise<string>;
  /**
   * Makes a new root the active one; by default the old one cross-signs it. Consul 1.8's own CA always cross-signs. But
   * where the old root is not of its making and the new one has the same name, it names its own kind of key identifier as
   * the issuer's, and OpenSSL then follows the cross-signed certificate to nobody: that is `crossSign: false`. So it
   * takes a rotation before it; throws where the cross-signed certificate can be used after all.
   */
  rotateRoot(options?: { readonly crossSign?: boolean }): Promise<PemPair>;
}

export function consulClient(url: string, defaultToken: () => string | undefined): ConsulClient {
  function call(method: string, path: string, body: unknown, token = defaultToken()): Promise<Answer> {
    return ask(url + path, {
      method,
      headers: token === undefined ? {} : { 'X-Consul-Token': token },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  async function must<T>(method: string, path: string, body: unknown, token?: string): Promise<T> {
    const answer = await call(method, path, body, token);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body || 'null');
  }
  const mustGet = <T>(path: string, token?: string) => must<T>('GET', path, undefined, token);
  const mustPut = <T>(path: string, body: unknown, token?: string) => must<T>('PUT', path, body, token);
  const leafPath = (service: string) => `/v1/agent/connect/ca/leaf/${encodeURIComponent(service)}`;
  const roots = () => mustGet<ConsulRoots>('/v1/agent/connect/ca/roots');

  return {
    get: (path, token) => call('GET', path, undefined, token),
    put: (path, body, token) => call('PUT', path, body, token),
    mustGet,
    mustPut,
    mustDelete: (path) => must('DELETE', path, undefined),
    roots,
    async leaf(service) {
      const leaf = await mustGet<ConsulLeaf>(leafPath(service));
      handOutKey(leaf.PrivateKeyPEM);
      return leaf;
    },
    async leafAfter(service, previous) {
      const deadline = performance.now() + 90_000;
      while (performance.now() < deadline) {
        const blocking = `${leafPath(service)}?index=${previous.ModifyIndex}&wait=10s`;
        const leaf = await mustGet<ConsulLeaf>(blocking);
        if (leaf.SerialNumber !== previous.SerialNumber) return leaf;
      }
      throw new Error(`Consul gave no new leaf for ${service} within 90 s`);
    },
    registerService: (definition) => mustPut('/v1/agent/service/register', definition),

    async intend(action, source, destination) {
      const all =
        await mustGet<{ ID: string; SourceName: string; DestinationName: string }[]>(
          '/v1/connect/intentions',
        );
      const old = all.find(({ SourceName, DestinationName }) => {
        return SourceName === source && DestinationName === destination;
      });
      const intention = {
        SourceName: source,
        DestinationName: destination,
        SourceType: 'consul',
        Action: action,
      };
      // By ID, since setting one by its names is an endpoint of Consul 1.9.
      if (old) await mustPut(`/v1/connect/intentions/${old.ID}`, intention);
      else await must('POST', '/v1/connect/intentions', intention);
    },

    async makeToken(rules) {
      const name = `test-${crypto.randomUUID()}`;
      await mustPut('/v1/acl/policy', { Name: name, Rules: rules });
      const token = await mustPut<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name: name }] });
      return handOutToken(token.SecretID);
    },

    async rotateRoot({ crossSign = true } = {}) {
      const { TrustDomain, Roots, ActiveRootID } = await roots();
      const old = Roots.find(({ ID }) => ID === ActiveRootID);
      const name = crossSign ? `Rotated root ${randomUUID().slice(0, 8)}` : nameOf(old?.RootCert);
      const { certificate, privateKey } = await makeAuthority(name, TrustDomain);
      const current = await mustGet<{ Config: Record<string, unknown> }>('/v1/connect/ca/configuration');
      await mustPut('/v1/connect/ca/configuration', {
        Provider: 'consul',
        Config: { ...current.Config, PrivateKey: privateKey, RootCert: certificate },
        ForceWithoutCrossSigning: !crossSign,
      });
      const now = await roots();
      const crossSigned = now.Roots.flatMap(({ Active, IntermediateCerts }) =>
        Active ? (IntermediateCerts ?? []) : [],
      );
      const usable = crossSigned.some((pem) => isIssuedBy(pem, old?.RootCert));
      if (usable !== crossSign) throw new Error(`the new root is ${usable ? '' : 'not '}cross-signed`);
      return { certificate, privateKey };
    },
  };
}

function nameOf(rootPem = ''): string {
  const [, name] = /^CN=(.+)$/m.exec(new X509Certificate(rootPem).subject) ?? [];
  if (name === undefined) throw new Error('the active root has no name');
  return name;
}

function isIssuedBy(pem: string, issuerPem = ''): boolean {
  return new X509Certificate(pem).checkIssued(new X509Certificate(issuerPem));
}
