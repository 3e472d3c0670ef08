import { connect, type TLSSocket } from 'node:tls';
import { systemCode } from '../../errors.ts';
import { type Identity, verifyServed } from '../../identity/identity.ts';
import type { Published } from '../../identity/published.ts';
import { trySpiffeIdOf } from '../../identity/spiffe-id.ts';
import { buildTrustBundle, type ListedRoots } from '../../identity/trust-bundle.ts';
import { tryReadCertificates } from '../../identity/x509/certificate.ts';
import { ABORTED, type Clock, withDeadline } from '../../lib/clock.ts';
import { countedLookup } from '../../lib/thread-pool.ts';
import { after, asConnectorError, fail, pass, type Row, type Subject, skip, warn } from './result.ts';

/** A sidecar of the mesh, and the identity that a gateway would present to it. */
export interface Sidecar {
  readonly host: string;
  readonly port: number;
  /** @throws PublishError */
  published(signal: AbortSignal): Promise<Published | undefined>;
}

/** Data from Consul that explains a refusal. */
export interface MeshSide {
  readonly service: string;
  readonly roots: ListedRoots;
  /** Whether intentions allow the service to reach `destination`; undefined if the token may not read them. */
  isAllowed(destination: string, signal: AbortSignal): Promise<boolean | undefined>;
}

const PUBLISHED = { check: 'published', what: 'published identity' };
const INTENTION = { check: 'intention', what: 'intention' };
export const SIDECAR_SUBJECTS: readonly Subject[] = [PUBLISHED, sidecarSubject('the sidecar'), INTENTION];

const HANDSHAKE_DEADLINE_MS = 5_000;
/** In TLS 1.3 a client learns only after its own handshake that its certificate was refused; Envoy may just close. */
const SILENCE_MS = 2_000;

/** Does a handshake as the gateway would, with the published identity, and explains a refusal. */
export async function checkSidecar(
  sidecar: Sidecar,
  mesh: MeshSide,
  clock: Clock,
  signal: AbortSignal,
): Promise<Row[]> {
  const reach = sidecarSubject(`${sidecar.host}:${sidecar.port}`);
  let published: Published | undefined;
  try {
    published = await sidecar.published(signal);
  } catch (error) {
    return failed(fail(PUBLISHED, asConnectorError(error)), reach);
  }
  if (published === undefined) {
    const missing = warn(PUBLISHED, 'nothing is published yet', 'run the connector, then check again');
    return failed({ ...missing, status: 'fail' }, reach);
  }
  const identity = publishedRow(published, mesh, clock.now());
  const answer = await shakeHands(sidecar, published, clock, signal);
  const destination = 'peer' in answer ? trySpiffeIdOf(tryReadCertificates(answer.peer)[0]) : undefined;
  const isAllowed = destination === undefined ? undefined : await mesh.isAllowed(destination.service, signal);
  return [
    identity,
    sidecarRow(reach, answer, destination?.uri, {
      isAllowed,
      isGood: identity.status === 'pass',
      verifies: published.upstreamCaPem !== undefined,
    }),
    intentionRow(mesh.service, destination?.service, isAllowed),
  ];
}

function failed(row: Row, reach: Subject): Row[] {
  return [row, skip(reach, after(PUBLISHED)), skip(INTENTION, after(PUBLISHED))];
}

function publishedRow(published: Published, { service, roots }: MeshSide, at: number): Row {
  let identity: Identity;
  try {
    identity = verifyServed(published, service, buildTrustBundle(roots, at), at);
  } catch (error) {
    return fail(PUBLISHED, asConnectorError(error));
  }
  return pass(PUBLISHED, `${identity.spiffeId.uri}, until ${new Date(identity.notAfter).toISOString()}`);
}

type Answer =
  | { readonly kind: 'accepted'; readonly peer: string; readonly isTrusted: boolean }
  /** After the handshake, or by a TLS alert during it. */
  | { readonly kind: 'refused'; readonly peer: string; readonly alert: string | undefined }
  | { readonly kind: 'failed'; readonly code: string };

async function shakeHands(
  { host, port }: Sidecar,
  { certificatePem, privateKeyPem, caPem, upstreamCaPem }: Published,
  clock: Clock,
  parent: AbortSignal,
): Promise<Answer> {
  return withDeadline(clock, HANDSHAKE_DEADLINE_MS, parent, async (signal) => {
    let socket: TLSSocket;
    try {
      socket = connect({
        host,
        port,
        lookup: countedLookup,
        cert: certificatePem,
        key: privateKeyPem,
        ca: upstreamCaPem ?? caPem ?? '',
        // Checked afterwards by `authorized`: an untrusted sidecar is reported, and the handshake continues.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      });
    } catch (error) {
      return { kind: 'failed', code: systemCode(error) ?? 'the published certificate cannot be used' };
    }
    const silent = new AbortController();
    try {
      return await new Promise<Answer>((resolve) => {
        let peer = '';
        const ended = (alert: string | undefined): void => {
          if (peer !== '') resolve({ kind: 'refused', peer, alert });
          else resolve({ kind: 'failed', code: alert ?? 'it closed the connection' });
        };
        socket.once('error', (error) => {
          // A peer that refuses our certificate during the handshake has already sent its own.
          peer ||= socket.getPeerX509Certificate()?.toString() ?? '';
          ended(systemCode(error) ?? 'unknown');
        });
        socket.once('close', () => ended(undefined));
        socket.once('end', () => ended(undefined));
        socket.once('secureConnect', () => {
          peer = socket.getPeerX509Certificate()?.toString() ?? '';
          const isTrusted = socket.authorized;
          void clock.sleep(SILENCE_MS, silent.signal).then(() => {
            if (!silent.signal.aborted) resolve({ kind: 'accepted', peer, isTrusted });
          });
        });
        socket.on('data', () => undefined);
        signal.addEventListener('abort', () => resolve({ kind: 'failed', code: 'ETIMEDOUT' }), {
          once: true,
        });
      });
    } finally {
      silent.abort(ABORTED);
      socket.destroy();
    }
  });
}

interface Circumstances {
  readonly isAllowed: boolean | undefined;
  /** Whether the published identity is valid with Consul's roots. */
  readonly isGood: boolean;
  /** Whether the gateway verifies its peers. */
  readonly verifies: boolean;
}

function sidecarRow(
  subject: Subject,
  answer: Answer,
  uri: string | undefined,
  circumstances: Circumstances,
): Row {
  switch (answer.kind) {
    case 'failed':
      return { ...subject, status: 'fail', ...failureOf(answer.code) };
    case 'refused':
      return { ...subject, status: 'fail', ...refusalOf(answer.alert, uri, circumstances) };
    case 'accepted': {
      if (uri === undefined) {
        return warn(
          subject,
          'it accepts the published identity, but presents no mesh identity',
          'check that a sidecar listens there, and not the service itself',
        );
      }
      if (answer.isTrusted) return pass(subject, `${uri} accepts the published identity`);
      const row = warn(
        subject,
        `${uri} accepts the published identity, but does not chain to the published roots`,
        'restart the sidecar: it presents a leaf of a CA that Consul no longer lists',
      );
      return circumstances.verifies ? { ...row, status: 'fail' } : row;
    }
  }
}

function failureOf(code: string): Pick<Row, 'code' | 'detail' | 'remedy'> {
  if (/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(code)) {
    return {
      code: 'SIDECAR_NO_TLS',
      detail: 'the server there does not speak TLS',
      remedy:
        'use the public port of the sidecar, as registered for its service <name>-sidecar-proxy in Consul, not that of the service',
    };
  }
  return {
    code: 'SIDECAR_UNREACHABLE',
    detail: `no handshake: ${code}`,
    remedy: 'check that the sidecar runs and listens there, and that nothing in between blocks the gateway',
  };
}

/** Consul's own proxy answers every refusal with `bad certificate`. Envoy sends specific alerts, and closes for an intention. */
function refusalOf(
  alert: string | undefined,
  uri: string | undefined,
  { isAllowed, isGood }: Circumstances,
): Pick<Row, 'code' | 'detail' | 'remedy'> {
  const how =
    alert === undefined ? 'closed the connection after the handshake' : `answered ${alertOf(alert)}`;
  const refusal = (because: string, remedy: string) => ({
    code: 'SIDECAR_REFUSED',
    detail: `${uri ?? 'the sidecar'} ${how}: ${because}`,
    remedy,
  });
  if (!isGood) return refusal('the published identity is not valid', 'see the row of the published identity');
  if (isAllowed === false)
    return refusal('the intention denies it', 'allow it: see the row of the intention');
  return refusal(
    'an intention may deny it, or it has not received the CA of the identity yet',
    'run consul intention check with the two services; then check the log of the sidecar, and its clock',
  );
}

/** The readable name in `ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE`. */
function alertOf(code: string): string {
  const [, name] = /ALERT_(\w+)$/.exec(code) ?? [];
  return name === undefined ? code : `"${name.toLowerCase().replaceAll('_', ' ')}"`;
}

function intentionRow(service: string, destination: string | undefined, isAllowed: boolean | undefined): Row {
  if (destination === undefined) return skip(INTENTION, 'the service of the sidecar is unknown');
  const between = `${service} to ${destination}`;
  if (isAllowed === undefined) return skip(INTENTION, `the token may not read the intention of ${between}`);
  if (isAllowed) return pass(INTENTION, `${between} is allowed`);
  return {
    ...INTENTION,
    status: 'fail',
    code: 'INTENTION_DENIES',
    detail: `${between} is denied`,
    remedy: `consul intention create -allow -replace ${service} ${destination}, or a ServiceIntentions resource on Kubernetes`,
  };
}

function sidecarSubject(where: string): Subject {
  return { check: 'sidecar', what: `handshake with ${where}` };
}
