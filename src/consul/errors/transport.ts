import { ConsulError, quotedCode, transportCode } from '../../errors.ts';
import { TooLongError } from '../body.ts';

/** The circumstances of a failed request. */
export interface Way {
  readonly url: string;
  readonly tls: boolean;
  readonly inPod: boolean;
  /** Whether any server has answered before. */
  readonly hasAnswered: boolean;
}

interface UnreachableRemedy {
  readonly inPod: string;
  readonly elsewhere: string;
}

const NO_ROUTE_HERE = 'there is no route to _CONSUL_HOST: check the network of this machine';

const UNREACHABLE_REMEDIES: Readonly<Record<string, UnreachableRemedy>> = {
  ECONNREFUSED: {
    inPod:
      'nothing listens there: since Consul 1.14 (consul-k8s 1.0) nodes have no agent; set _CONSUL_HOST to the Service of the servers, such as consul-server.consul.svc',
    elsewhere:
      'nothing listens there: start Consul, or set _CONSUL_HOST and _CONSUL_PORT to where it listens',
  },
  ENOTFOUND: {
    inPod: 'the name in _CONSUL_HOST does not resolve: use the full name, such as consul-server.consul.svc',
    elsewhere: 'the name in _CONSUL_HOST does not resolve: check its spelling, and the DNS of this machine',
  },
  EAI_AGAIN: {
    inPod: 'the DNS server does not answer: check the DNS of the Pod',
    elsewhere: 'the DNS server does not answer: check the DNS of this machine',
  },
  EHOSTUNREACH: {
    inPod: 'there is no route to _CONSUL_HOST: check NetworkPolicies and hostIP',
    elsewhere: NO_ROUTE_HERE,
  },
  ENETUNREACH: {
    inPod: 'there is no route to _CONSUL_HOST: check the network of the Pod',
    elsewhere: NO_ROUTE_HERE,
  },
};

/** For a refused connection after Consul has answered: the configuration is correct. */
const STOPPED = 'Consul has answered there before: check that it runs, and see in its log why it stopped';

interface KnownTlsFailure {
  readonly code: RegExp;
  readonly cause: string;
  readonly remedy: string;
}

export const HTTPS_TO_HTTP = {
  cause: 'the port serves plain HTTP, but was queried with HTTPS',
  remedy: 'set _CONSUL_PORT to the HTTPS port of Consul (8501 by convention), or CONSUL_HTTP_SSL=false',
};

/** By the error codes of OpenSSL and Node.js. */
const TLS_FAILURES: readonly KnownTlsFailure[] = [
  { code: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|^EPROTO$/, ...HTTPS_TO_HTTP },
  {
    code: /CERT_HAS_EXPIRED/,
    cause: "the server's certificate has expired",
    remedy:
      'renew the certificate of the Consul server (consul tls cert create -server), or correct the system clock',
  },
  {
    code: /ALTNAME_INVALID/,
    cause: "the server's certificate is for another name",
    remedy: 'set CONSUL_TLS_SERVER_NAME to the name in it, such as server.dc1.consul',
  },
  {
    code: /UNABLE_TO_|SELF_SIGNED|CERT_UNTRUSTED|ISSUER/,
    cause: "the server's certificate is not signed by the trusted CA",
    remedy:
      'set CONSUL_CACERT to the CA of the Consul servers (consul-agent-ca.pem); for an agent with auto_encrypt that is the Connect CA: GET /v1/connect/ca/roots?pem=true',
  },
  {
    code: /PROTOCOL_VERSION|INSUFFICIENT_SECURITY|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|NO_SHARED_CIPHER/,
    cause: 'the server and this program have no TLS version or cipher in common',
    remedy: 'enable TLS 1.2 or newer on the server: tls_min_version and tls_cipher_suites of Consul',
  },
  {
    code: /UNRECOGNIZED_NAME/,
    cause: 'the server has no certificate for the requested name',
    remedy: 'set CONSUL_TLS_SERVER_NAME to the name in its certificate, such as server.dc1.consul',
  },
  {
    // The alerts about a certificate (RFC 8446 section 6.2), and the generic one, which Go sends if it is missing.
    code: /ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)/,
    cause: 'the server rejects the client certificate, or requires one',
    remedy: 'set CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY: Consul has verify_incoming set',
  },
  {
    code: /ALERT/,
    cause: 'the server ended the handshake',
    remedy: 'check the log of the Consul server for the reason',
  },
];

/** The error for a request without a complete answer in `ms` milliseconds. */
export function noAnswerInTime(url: string, ms: number, cause: unknown): ConsulError {
  return new ConsulError('CONSUL_TIMEOUT', `Consul at ${url} did not answer in ${ms} ms`, {
    remedy: 'check that the Consul agent reaches its servers; a proxy may hold the connection',
    cause,
  });
}

/** The error for a request without a complete answer. */
export function errorOfTransport(error: unknown, way: Way): ConsulError {
  const { url, tls } = way;
  const code = transportCode(error);
  if (error instanceof TooLongError) {
    const limit = `${error.maxBytes / 1024} KiB`;
    return new ConsulError('CONSUL_INVALID_RESPONSE', `the answer of ${url} is larger than ${limit}`, {
      remedy: 'the server is not Consul: check _CONSUL_HOST and _CONSUL_PORT',
      cause: error,
    });
  }
  if (tls) {
    const known = TLS_FAILURES.find((failure) => failure.code.test(code));
    const isTls = known !== undefined || /SSL|TLS|CERT|CRL|KEY/.test(code);
    if (isTls) {
      return new ConsulError('CONSUL_TLS', `TLS with ${url}: ${known?.cause ?? 'it failed'} (${code})`, {
        remedy: known?.remedy ?? 'check CONSUL_CACERT, CONSUL_CLIENT_CERT, CONSUL_CLIENT_KEY and their files',
        cause: error,
      });
    }
  }
  return new ConsulError('CONSUL_UNREACHABLE', `Consul at ${url} cannot be reached (${quotedCode(code)})`, {
    remedy: unreachableRemedy(code, way),
    cause: error,
  });
}

function unreachableRemedy(code: string, { inPod, hasAnswered }: Way): string {
  if (code === 'ECONNREFUSED' && hasAnswered) return STOPPED;
  const known = UNREACHABLE_REMEDIES[code];
  if (known === undefined) return 'check that Consul runs and that nothing in between drops connections';
  return inPod ? known.inPod : known.elsewhere;
}
