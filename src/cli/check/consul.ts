import { TOKEN_PATH } from '../../consul/authorization.ts';
import { ConsulClient } from '../../consul/client.ts';
import {
  type CaLeaf,
  type CaRoots,
  type Fetched,
  fetchOnce,
  leafQuery,
  ROOTS_QUERY,
} from '../../consul/connect-ca.ts';
import { type ConsulAccess, serverUrl } from '../../consul/endpoint.ts';
import { errorOfStaleRoots } from '../../consul/errors/status.ts';
import { noAnswerInTime } from '../../consul/errors/transport.ts';
import { insecurityOf } from '../../consul/insecurity.ts';
import { isAllowed } from '../../consul/intention.ts';
import { loadTls } from '../../consul/tls.ts';
import { ConsulError, type ConsulErrorCode } from '../../errors.ts';
import { type Clock, withDeadline } from '../../lib/clock.ts';
import { identityRows, type Wanted } from './identity.ts';
import {
  after,
  asConnectorError,
  fail,
  pass,
  type Row,
  Rows,
  type Subject,
  skipAll,
  warn,
} from './result.ts';
import { checkSidecar, SIDECAR_SUBJECTS, type Sidecar } from './sidecar.ts';

const REACH = { check: 'consul', what: 'reach Consul' };
const TLS = { check: 'consul-tls', what: 'TLS with Consul' };
const TOKEN = { check: 'consul-token', what: 'token' };
const CONNECT = { check: 'consul-connect', what: 'Connect enabled' };
const LEAF = { check: 'consul-leaf', what: 'leaf permission' };
const IDENTITY = { check: 'identity', what: 'identity' };
const CHAIN = { check: 'chain', what: 'chain' };

/** Ordered from cause to effect. */
export const CONSUL_SUBJECTS: readonly Subject[] = [REACH, TLS, TOKEN, CONNECT, LEAF, IDENTITY, CHAIN];

/** For each server in the first attempt, so that there is time for a second server. */
const REACH_DEADLINE_MS = 3_000;
const REACH_ATTEMPTS = 3;
const LOGOUT_DEADLINE_MS = 1_000;

/** The row that an error belongs to, regardless of the query that failed. Other errors belong to the row of the query. */
const CAUSES: Partial<Record<ConsulErrorCode, Subject>> = {
  CONSUL_UNREACHABLE: REACH,
  CONSUL_TIMEOUT: REACH,
  CONSUL_REDIRECT: REACH,
  CONSUL_UNAUTHORIZED: REACH,
  CONSUL_NO_LEADER: REACH,
  CONSUL_NO_SERVERS: REACH,
  CONSUL_UNKNOWN_DATACENTER: REACH,
  CONSUL_TLS: TLS,
  CONSUL_HTTP_TO_HTTPS: TLS,
  CONSUL_TOKEN_UNKNOWN: TOKEN,
  CONSUL_TOKEN_UNREADABLE: TOKEN,
  CONSUL_LOGIN_FAILED: TOKEN,
  CONSUL_CONNECT_DISABLED: CONNECT,
  CONSUL_CA_NOT_READY: CONNECT,
};

/** Includes the expected trust domain. */
type CheckedAccess = ConsulAccess & Pick<Wanted, 'trustDomain'>;

/**
 * Queries Consul as the daemon would, once, within `deadlineMs`, and logs out after a login. The roots are queried without a
 * token first, which Consul allows, so that a bad token does not mask a connection error.
 *
 * @param sidecar for a handshake as the gateway would do it
 */
export async function checkConsul(
  access: CheckedAccess,
  clock: Clock,
  deadlineMs: number,
  parent: AbortSignal,
  sidecar: Sidecar | undefined,
): Promise<ConsulRows> {
  const consul = new ConsulClient(access, clock);
  try {
    return await withDeadline(clock, deadlineMs, parent, async (signal, timedOut) => {
      const query = async <T>(work: () => Promise<T>): Promise<T> => {
        try {
          return await work();
        } catch (error) {
          if (!timedOut()) throw asConnectorError(error);
          throw noAnswerInTime(addresses(access), deadlineMs, error);
        }
      };
      const anonymous = consul.connectAnonymously();
      const own = consul.connect();
      const leaf = leafQuery(access.service);
      let listed: CaRoots | undefined;
      const roots = async (work: () => Promise<Fetched<CaRoots>>): Promise<Fetched<CaRoots>> => {
        const fetched = await query(work);
        listed = fetched.value;
        return fetched;
      };
      const rows = await consulRows(access, clock, {
        openRoots: (onFailure) =>
          roots(() => fetchOnce(anonymous, ROOTS_QUERY, REACH_DEADLINE_MS, signal, onFailure)),
        ownRoots: () => roots(() => fetchOnce(own, ROOTS_QUERY, deadlineMs, signal)),
        token: () => query(() => own.getFromAny(TOKEN_PATH, deadlineMs, signal)),
        leaf: () => query(() => fetchOnce(own, leaf, deadlineMs, signal)),
        missingPermission: () => query(() => consul.missingPermission(deadlineMs, signal)),
      });
      if (sidecar === undefined) return { rows, ofSidecar: [] };
      if (listed === undefined) return { rows, ofSidecar: skipAll(SIDECAR_SUBJECTS, after(REACH)) };
      const { service } = access;
      const mesh = {
        service,
        roots: listed,
        isAllowed: (destination: string) => isAllowed(own, service, destination, deadlineMs, signal),
      };
      return { rows, ofSidecar: await checkSidecar(sidecar, mesh, clock, signal) };
    });
  } finally {
    await consul.close(LOGOUT_DEADLINE_MS);
  }
}

export interface ConsulRows {
  readonly rows: readonly Row[];
  /** Empty without a sidecar. */
  readonly ofSidecar: readonly Row[];
}

interface Queries {
  openRoots(onFailure: (error: unknown) => void): Promise<Fetched<CaRoots>>;
  ownRoots(): Promise<Fetched<CaRoots>>;
  token(): Promise<unknown>;
  leaf(): Promise<Fetched<CaLeaf>>;
  missingPermission(): Promise<ConsulError | undefined>;
}

async function consulRows(access: CheckedAccess, clock: Clock, queries: Queries): Promise<Row[]> {
  const rows = new Rows(CONSUL_SUBJECTS);
  try {
    await loadTls(access.tls);
  } catch (error) {
    return rows.failed(TLS, error, [REACH]);
  }
  const open = await reach(access, queries, rows);
  if (rows.has(REACH, 'fail') || rows.has(TLS, 'fail')) return rows.rest();

  let missing: ConsulError | undefined;
  try {
    if (access.token.kind !== 'none') await queries.token();
    missing = await queries.missingPermission();
    const needsToken = access.token.kind === 'none' && missing !== undefined;
    rows.put(needsToken ? fail(TOKEN, missing) : pass(TOKEN, TOKENS[access.token.kind]));
  } catch (error) {
    judgeToken(access, rows, error);
  }
  if (CONSUL_SUBJECTS.some((subject) => rows.has(subject, 'fail'))) return rows.rest();
  try {
    const { value: roots } = open ?? (await queries.ownRoots());
    rows.put(pass(CONNECT, `the trust domain is ${roots.trustDomain}`));
    if (missing !== undefined) return rows.failed(LEAF, missing);
    const { value: leaf } = await queries.leaf();
    rows.put(pass(LEAF, `Consul issues the leaf of service ${access.service}`));
    for (const row of identityRows(IDENTITY, CHAIN, roots, leaf, access, clock.now())) rows.put(row);
    return rows.rest();
  } catch (error) {
    const { code } = asConnectorError(error);
    // Without a token, the missing token is the cause.
    const lacks = code === 'CONSUL_PERMISSION_DENIED' && access.token.kind === 'none';
    return rows.failed(lacks ? TOKEN : causeOf(error, LEAF), error);
  }
}

/** The details of a passing token row. */
const TOKENS = {
  none: 'no token is sent, and none is needed',
  value: 'Consul accepts the token in CONSUL_HTTP_TOKEN',
  file: 'Consul accepts the token in the file of CONSUL_HTTP_TOKEN_FILE',
  login: 'the login succeeded, and is logged out after this check',
} as const;

/** Queries one server after another for the roots, as the daemon would. A failed server is a WARN if another one answers. */
async function reach(
  access: ConsulAccess,
  { openRoots }: Queries,
  rows: Rows,
): Promise<Fetched<CaRoots> | undefined> {
  let failed: unknown;
  const onFailure = (error: unknown): void => {
    failed ??= error;
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const roots = await openRoots(onFailure);
      // The cached answer of an agent without servers is good enough for now.
      reached(access, rows, roots.freshness === 'stale' ? errorOfStaleRoots(roots.ageSeconds) : failed);
      return roots;
    } catch (error) {
      const cause = causeOf(error, REACH);
      // Possibly refused only because no token was sent: the queries with a token will show.
      const anonymous = error instanceof ConsulError && error.code === 'CONSUL_PERMISSION_DENIED';
      if (cause === CONNECT || anonymous) {
        reached(access, rows, failed);
        if (!anonymous) rows.put(fail(CONNECT, error));
        return undefined;
      }
      if (cause === TLS) rows.put(pass(REACH, addresses(access)));
      if (cause === TLS || attempt === REACH_ATTEMPTS) {
        rows.put(fail(cause, error));
        return undefined;
      }
      failed = error;
    }
  }
}

function reached(access: ConsulAccess, rows: Rows, failed: unknown): void {
  rows.put(failed === undefined ? pass(REACH, addresses(access)) : fail(REACH, failed, 'warn'));
  const insecurity = insecurityOf(access);
  if (insecurity !== undefined) rows.put(warn(TLS, insecurity.warning, insecurity.remedy));
  else if (access.tls === undefined) rows.put(pass(TLS, 'not configured: plain HTTP'));
  else rows.put(pass(TLS, 'the certificate of the server is trusted'));
}

/**
 * Consul without ACLs needs no token, but refuses a login. Before 1.4 it cannot describe the token: the leaf query then decides.
 */
function judgeToken({ token }: ConsulAccess, rows: Rows, error: unknown): void {
  const { code } = asConnectorError(error);
  const isIgnored = code === 'CONSUL_ACLS_DISABLED' && token.kind !== 'login';
  if (isIgnored) rows.put(pass(TOKEN, 'not needed: ACLs are disabled in Consul'));
  else if (code === 'CONSUL_NOT_FOUND')
    rows.put(pass(TOKEN, 'sent; this version of Consul cannot verify it'));
  else rows.put(fail(causeOf(error, TOKEN), error));
}

function causeOf(error: unknown, queried: Subject): Subject {
  return (error instanceof ConsulError && CAUSES[error.code]) || queried;
}

function addresses({ servers, tls }: ConsulAccess): string {
  return servers.map((server) => serverUrl(server, tls)).join(', ');
}
